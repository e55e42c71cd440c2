// What the webhook forms send: the bodies of the API from the values of the fields. Pure.

/** Every type of event that this version knows, in the groups in which they are chosen. */
export const TYPE_GROUPS = {
  money: ['transfer.completed', 'transfer.failed', 'deposit.completed', 'withdrawal.completed', 'reversal.completed'],
  holds: ['hold.created', 'hold.captured', 'hold.released', 'hold.expired'],
  wallets: ['wallet.opened', 'wallet.frozen', 'wallet.unfrozen', 'wallet.closed', 'wallet.limits_changed'],
};

/** The most wallets that a webhook may be limited to. */
export const WALLETS_MAX = 100;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const EVENT_ID = /^[A-Za-z0-9_-]{29}[AQgw]$/;

/** True for an id of a wallet, a transfer or a person. */
export function isId(text) {
  return UUID.test(text);
}

/** True for an id of an event. */
export function isEventId(text) {
  return EVENT_ID.test(text);
}

/** The ids in a text, separated by spaces, commas or lines; null for none. */
export function idsIn(text) {
  const ids = String(text ?? '').split(/[\s,;]+/).filter(Boolean);
  return ids.length === 0 ? null : [...new Set(ids.map((id) => id.toLowerCase()))];
}

/** The body that makes a webhook. Null members mean "all" and are left out. */
export function newBody({ url, description, types, wallet_ids: wallets, ordered, signing }) {
  const body = { url, description: description || null, types, wallet_ids: wallets, ordered, signing };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== undefined));
}

/** The members that differ from the webhook; null takes one away. */
export function changeBody(webhook, { url, description, types, wallet_ids: wallets, ordered }) {
  const next = { url, description: description || null, types, wallet_ids: wallets, ordered };
  return Object.fromEntries(Object.entries(next).filter(([name, value]) => !isSame(webhook[name] ?? null, value)));
}

function isSame(a, b) {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((one) => b.includes(one));
}
