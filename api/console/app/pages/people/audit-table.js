// Lines of the audit log as a table whose rows open to show where it was done from, and what it was before and after.
import { h } from '../../dom.js';
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { dateTime, show } from '../../time.js';
import { button, facts, idText, table } from '../../ui/index.js';
import { names } from './names.js';
import { changesOf } from './rules.js';

const t = text.people;
/** Done by people who have not signed in: a one-time token or nothing speaks for them. */
const UNSIGNED = new Set(['user.sign_in_failed', 'user.password_reset', 'user.email_changed', 'user.registered']);
/** Where a subject has a page, and who may see it. */
const PLACES = { user: ['/people', 'users:read'], wallet: ['/wallets', 'wallets:read_all'], transfer: ['/transfers', 'transfers:read_all'],
  import: ['/imports', 'imports:read'], webhook: ['/webhooks', 'webhooks:manage'] };

/** `auditTable({caption, captionHidden, empty, load(cursor, signal), signal, isShort})`; `isShort` shows no more than one page. */
export function auditTable({ caption, captionHidden, empty, load, signal, isShort = false }) {
  const known = names(signal);
  const shown = [
    { label: t.at, isLead: true, cell: (line) => show(line.at) },
    { label: t.action, rowHeader: true, cell: (line) => actionWords(line.action) },
    { label: t.actor, cell: (line) => actor(line, known) },
    { label: t.subject, cell: (line) => subject(line, known) },
    { label: t.fromWhere, cell: (line) => line.address ?? none() },
  ];
  const columns = [...shown, { label: t.details, cell: (line) => opener(line, shown.length + 1) }];
  const firstOnly = async (cursor, own) => ({ ...(await load(cursor, own)), next_cursor: null });
  return table({ caption, captionHidden, empty, signal, columns, load: isShort ? firstOnly : load });
}

/** The action in words; one that this console does not know yet by its code. */
export function actionWords(action) {
  return t.auditActions[action] ?? action;
}

function actor(line, known) {
  if (line.actor_id) return known.person(line.actor_id);
  return h('span', { class: 'muted' }, UNSIGNED.has(line.action) ? t.notSignedIn : t.bankItself);
}

function subject({ subject: of }, known) {
  if (!of) return none();
  const kind = h('span', { class: 'muted' }, t.subjects[of.kind] ?? of.kind);
  const [path, permission] = PLACES[of.kind] ?? [];
  if (of.kind === 'user' && can(permission)) return known.person(of.id);
  return [kind, ' ', idText(of.id, path && can(permission) ? { to: `${path}/${of.id}` } : {})];
}

/** The button that opens and closes the row below its own. */
function opener(line, width) {
  let opened = null;
  const words = [t.details, h('span', { class: 'hidden' }, t.detailsOf(actionWords(line.action), dateTime(line.at)))];
  const el = button(words, { kind: 'quiet', 'aria-expanded': 'false', click: () => {
    if (opened) {
      opened.remove();
      opened = null;
    } else {
      opened = h('tr', { role: 'row', class: 'opened' }, h('td', { role: 'cell', colspan: width }, details(line)));
      el.closest('tr').after(opened);
    }
    el.setAttribute('aria-expanded', String(opened !== null));
  } });
  return el;
}

function details(line) {
  const changes = changesOf(line.before, line.after);
  const told = changes.length === 0 ? h('p', { class: 'muted' }, t.nothingTold)
    : h('table', { class: 'table', role: 'table' }, changesHead(), h('tbody', { role: 'rowgroup' }, changes.map(changeRow)));
  return h('div', { class: 'split' }, h('div', null, told), facts([
    [t.actionCode, h('code', null, line.action)],
    [t.line, idText(line.id, { whole: true })],
    line.subject ? [t.subjects[line.subject.kind] ?? line.subject.kind, [idText(line.subject.id, { whole: true }), ' ', link(`/audit?subject=${line.subject.id}`, t.sameSubject)]] : null,
    line.actor_id ? [t.actor, [idText(line.actor_id, { whole: true }), ' ', link(`/audit?actor=${line.actor_id}`, t.sameActor)]] : null,
    line.api_key_id ? [t.apiKey, idText(line.api_key_id, { whole: true })] : null,
    [t.requestId, line.request_id ? idText(line.request_id, { whole: true }) : null],
    [t.address, line.address],
    [t.userAgent, line.user_agent],
  ]));
}

function changesHead() {
  return [h('caption', { class: 'hidden' }, t.values), h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' },
    [t.value, t.before, t.after].map((label) => h('th', { role: 'columnheader', scope: 'col' }, label))))];
}

function changeRow({ name, before, after }) {
  const cell = (label, value) => h('td', { role: 'cell', dataset: { label } }, value === null ? none() : value);
  return h('tr', { role: 'row' }, h('th', { role: 'rowheader', scope: 'row', dataset: { label: t.value } }, h('code', null, name)), cell(t.before, before), cell(t.after, after));
}

function none() {
  return h('span', { class: 'none' }, text.none);
}
