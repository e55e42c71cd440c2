// API keys as a table, with what may be done to them: a new secret for one's own, revoked by their owner and by admins.
import { at, del, post } from '../../api.js';
import { h } from '../../dom.js';
import { user } from '../../session.js';
import { text } from '../../text.js';
import { ago, show } from '../../time.js';
import { badge, button, confirmDialog, field, idText, table, toast } from '../../ui/index.js';
import { secretBox } from './secret.js';

const t = text.people;
/** More scopes than these are folded. */
const SCOPES_SHOWN = 2;

/** `keyTable({caption, captionHidden, empty, load(cursor, signal), signal, names, onSecret(box)})`; with `names` the owner is shown. */
export function keyTable({ caption, captionHidden, empty, load, signal, names = null, onSecret }) {
  const reload = () => list.reload();
  const list = table({
    caption, captionHidden, empty, load, signal,
    columns: [
      { label: t.key, rowHeader: true, cell: (key) => [h('div', null, key.name), idText(key.id)] },
      names ? { label: t.owner, cell: (key) => names.person(key.user_id) } : null,
      { label: t.mayDo, cell: (key) => scopes(key.scopes) },
      { label: t.limitedTo, cell: limits },
      { label: t.expires, cell: expiry },
      { label: t.lastUsed, cell: (key) => (key.last_used_at ? ago(key.last_used_at) : h('span', { class: 'none' }, t.never)) },
      { label: t.actions, cell: (key) => h('div', { class: 'actions' }, acts(key, reload, onSecret)) },
    ].filter(Boolean),
  });
  return list;
}

/** The secret of a key that was made or rolled; `done` is called when it was kept. */
export function keySecret(key, onDone) {
  return secretBox({ title: t.secretTitle(key.name), words: t.secretText, label: t.secretLabel, secret: key.secret, copy: t.copySecret, onDone,
    pairs: [key.expires_at ? [t.endsAt, show(key.expires_at)] : null, key.old_secret_until ? [t.oldSecret, show(key.old_secret_until)] : null] });
}

function scopes(words) {
  const list = h('ul', null, words.map((word) => h('li', null, h('code', { title: t.scopes[word] ?? word }, word))));
  return words.length <= SCOPES_SHOWN ? list : h('details', null, h('summary', null, t.scopeCount(words.length)), list);
}

function limits({ wallet_ids: wallets, addresses }) {
  if (!wallets && !addresses) return h('span', { class: 'none' }, t.noLimits);
  const byWallet = wallets ? h('details', null, h('summary', null, t.walletCount(wallets.length)), h('ul', null, wallets.map((id) => h('li', null, idText(id, { to: `/wallets/${id}` }))))) : null;
  return [byWallet, addresses ? h('ul', null, addresses.map((address) => h('li', null, h('code', null, address)))) : null];
}

function expiry(key) {
  const old = key.old_secret_until ? h('div', { class: 'muted' }, t.oldSecret, ' ', show(key.old_secret_until)) : null;
  if (!key.expires_at) return [h('span', { class: 'none' }, t.never), old];
  return [isExpired(key) ? badge('none', { label: t.expired, look: 'stop' }) : null, ' ', show(key.expires_at), old];
}

function isExpired({ expires_at: end }) {
  return end !== null && Date.parse(end) <= Date.now();
}

function acts(key, reload, onSecret) {
  const mayRoll = onSecret && key.user_id === user().id && !isExpired(key);
  const of = h('span', { class: 'hidden' }, ` ${key.name}`);
  return [
    mayRoll ? button([t.roll, of], { click: () => roll(key, reload, onSecret) }) : null,
    button([t.revoke, of.cloneNode(true)], { kind: 'danger', click: () => revoke(key, reload) }),
  ];
}

async function roll(key, reload, onSecret) {
  let issued = null;
  const overlap = field({ name: 'overlap_s', label: t.overlap, type: 'select', options: t.overlaps, value: '86400', plain: true });
  await confirmDialog({ title: t.rollTitle(key.name), text: t.rollText, confirm: t.roll, fields: [overlap],
    onConfirm: async (values) => { issued = await post(at`/v1/api-keys/${key.id}/roll`, { overlap_s: Number(values.overlap_s) }); } });
  if (issued === null) return;
  onSecret((onDone) => keySecret(issued, onDone));
  reload();
}

async function revoke(key, reload) {
  const isDone = await confirmDialog({ title: t.revokeTitle(key.name), text: t.revokeText, confirm: t.revoke, kind: 'danger',
    onConfirm: () => del(at`/v1/api-keys/${key.id}`) });
  if (!isDone) return;
  toast(t.revoked(key.name));
  reload();
}
