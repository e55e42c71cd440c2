// What is sent to move money: path and body of each kind. Amounts stay the text that was typed. Pure.
import { at } from '../../api.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const METHOD = /^[a-z0-9_]{1,32}$/;
const HOUR_S = 3600;

/** How long a hold may last, in seconds, by the names of `text.money.spans`. */
export const SPANS = { hour: HOUR_S, day: 24 * HOUR_S, week: 7 * 24 * HOUR_S, month: 30 * 24 * HOUR_S, year: 365 * 24 * HOUR_S };

export const isUuid = (text) => UUID.test(text);
export const isMethod = (text) => METHOD.test(text);
/** True for what can be a receiver: an e-mail address or the id of a wallet. */
export const isReceiver = (text) => isUuid(text) || /^[^\s@]+@[^\s@]+$/.test(text);

/** The request of a kind (`transfer`, `hold`, `withdrawal`, `deposit`) from or into a wallet. */
export function newRequest(kind, walletId, values) {
  if (kind === 'transfer' || kind === 'hold') return { path: '/v1/transfers', body: transferBody(kind, walletId, values) };
  const body = filled({ amount: values.amount, method: values.method, description: values.description });
  if (kind === 'deposit') return { path: at`/v1/wallets/${walletId}/deposits`, body };
  const held = values.isHeld ? { hold: true, expires_in_s: SPANS[values.span] } : {};
  return { path: at`/v1/wallets/${walletId}/withdrawals`, body: { ...body, ...held } };
}

/** The request that captures a hold: all that remains where no amount is given. */
export function captureRequest(holdId, { amount, isFinal }) {
  return { path: at`/v1/transfers/${holdId}/capture`, body: filled({ amount, final: isFinal ? '' : false }) };
}

/** The request that gives a hold back. */
export function voidRequest(holdId) {
  return { path: at`/v1/transfers/${holdId}/void`, body: undefined };
}

/** The request that takes a transfer back: all that is left where no amount is given. */
export function reverseRequest(id, { amount, description }) {
  return { path: at`/v1/transfers/${id}/reverse`, body: filled({ amount, description }) };
}

function transferBody(kind, walletId, { receiver, amount, description, span }) {
  const to = isUuid(receiver) ? { destination_wallet_id: receiver.toLowerCase() } : { destination_email: receiver };
  const held = kind === 'hold' ? { hold: true, expires_in_s: SPANS[span] } : {};
  return filled({ source_wallet_id: walletId, ...to, amount, description, ...held });
}

function filled(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
