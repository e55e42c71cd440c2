// One person: who they are, what may be done to them, their wallets, sessions and keys, and what the audit log tells of them.
import { at, get, page as onePage } from '../../api.js';
import { clear, h, uid } from '../../dom.js';
import { link } from '../../router.js';
import { can, user } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, facts, idText, moneyText, pageHeader, table, tabs } from '../../ui/index.js';
import { sessionTable } from '../own/session-table.js';
import { auditTable } from './audit-table.js';
import { keyTable } from './key-table.js';
import { nameOf } from './names.js';
import { actButtons } from './person-acts.js';
import { actsOn } from './rules.js';
import { showSecret } from './secret.js';

const t = text.people;
const LINES = 10;
let heading = t.person;

export const page = { title: () => heading, permission: 'users:read', render };

async function render({ params, signal }) {
  heading = t.person;
  const person = await get(at`/v1/users/${params.id}`, null, { signal });
  heading = nameOf(person);
  const secret = h('div', null);
  const offerSecret = (made) => showSecret({ place: secret, signal, made, onDone: () => clear(secret) });
  const isErased = person.status === 'erased';
  const actions = actButtons(person, actsOn(person, user(), can), offerSecret);
  return h('div', null,
    pageHeader({ title: heading, sub: [text.roles[person.role] ?? person.role, ' ', badge(person.status)], crumbs: [['/people', t.title]], actions }),
    secret, profile(person), can('wallets:read_all') ? wallets(person, signal) : null,
    can('users:suspend') && !isErased ? sessions(person, signal) : null,
    can('api_keys:manage') && !isErased ? keys(person, signal) : null,
    can('audit:read') ? audit(person, signal) : null);
}

function profile(person) {
  const you = person.id === user().id ? h('p', null, t.you, ' ', link('/profile', t.toProfile)) : null;
  return h('section', null, you, facts([
    [t.id, idText(person.id, { whole: true })],
    person.status === 'erased' ? null : [t.email, person.email],
    [t.role, text.roles[person.role] ?? person.role],
    [t.since, show(person.created_at)],
    [t.changed, show(person.updated_at)],
  ]));
}

function section(title, content, more = null) {
  const id = uid('h');
  return h('section', { 'aria-labelledby': id }, h('div', { class: 'section-head' }, h('h2', { id }, title), more), content);
}

function wallets(person, signal) {
  return section(t.wallets, table({
    caption: t.wallets, captionHidden: true, signal, empty: t.noWallets,
    load: (cursor, own) => onePage('/v1/wallets', { user_id: person.id, cursor }, { signal: own }),
    columns: [
      { label: t.wallet, rowHeader: true, cell: (wallet) => idText(wallet.id, { to: `/wallets/${wallet.id}` }) },
      { label: t.currency, cell: (wallet) => wallet.currency },
      { label: t.balance, align: 'end', isLead: true, cell: (wallet) => moneyText(wallet.balance, wallet.currency) },
      { label: t.available, align: 'end', cell: (wallet) => moneyText(wallet.available, wallet.currency) },
      { label: t.status, cell: (wallet) => badge(wallet.status) },
    ],
  }));
}

function sessions(person, signal) {
  return section(t.sessions, sessionTable({ caption: t.sessions, empty: t.noPersonSessions, signal,
    load: (own) => get(at`/v1/users/${person.id}/sessions`, null, { signal: own }) }));
}

function keys(person, signal) {
  const list = keyTable({ caption: t.keys, captionHidden: true, empty: t.noOthersKeys, signal,
    load: (cursor, own) => onePage('/v1/api-keys', { user_id: person.id, cursor }, { signal: own }) });
  return section(t.keys, list, link(`/keys?user_id=${person.id}`, t.allKeys));
}

function audit(person, signal) {
  const lines = (caption, name) => h('div', { class: 'stack' },
    auditTable({ caption, captionHidden: true, empty: t.noLinesYet, signal, isShort: true,
      load: (cursor, own) => onePage('/v1/audit', { [`${name}_id`]: person.id, limit: LINES, cursor }, { signal: own }) }),
    h('p', null, link(`/audit?${name}=${person.id}`, t.wholeAudit)));
  return section(t.latestAudit, tabs({ label: t.latestAudit, tabs: [
    { id: 'to', label: t.doneTo, render: () => lines(t.doneTo, 'subject') },
    { id: 'by', label: t.doneBy, render: () => lines(t.doneBy, 'actor') },
  ] }));
}
