// The two sides of a transfer: whose wallets they are, as far as the reader may know.
import { at, get } from '../../api.js';
import { h } from '../../dom.js';
import { link } from '../../router.js';
import { can, user } from '../../session.js';
import { text } from '../../text.js';
import { idText, moneyText } from '../../ui/index.js';

const t = text.money;
const WALLETS_MAX = 500;

/** The reader's own wallets by their ids. Staff seldom have any. */
export async function ownWallets(signal) {
  const { items } = await get('/v1/wallets', { user_id: user().id, limit: WALLETS_MAX }, { signal });
  return new Map(items.map((wallet) => [wallet.id, wallet]));
}

/**
 * Which side is a wallet of the bank: `source`, `destination` or null. Only deposits pay from it; a reversal goes the other way
 * than what it takes back, so it is known by the side that is not `own`.
 */
export function bankSide({ kind, method, source_wallet_id: source, destination_wallet_id: destination }, own) {
  if (method === null) return null;
  if (kind === 'DEPOSIT') return 'source';
  if (kind !== 'REVERSAL') return 'destination';
  if (own.has(source)) return 'destination';
  return own.has(destination) ? 'source' : null;
}

/** The amount with a minus where it went out of the reader's wallets. Without a sign: what moved nothing of theirs. */
export function signedAmount(transfer, own) {
  const [isOut, isIn] = [own.has(transfer.source_wallet_id), own.has(transfer.destination_wallet_id)];
  const hasMoved = transfer.status === 'COMPLETED' && transfer.kind !== 'RELEASE' && transfer.kind !== 'HOLD';
  if (!hasMoved || isOut === isIn) return { amount: transfer.amount, signed: false };
  return { amount: isOut ? `-${transfer.amount}` : transfer.amount, signed: true };
}

/** The amount of a transfer as an element. */
export function amountOf(transfer, own) {
  const { amount, signed } = signedAmount(transfer, own);
  return moneyText(amount, transfer.currency, { signed });
}

/** A side in a list: the reader's wallet, the bank's payment method, or an id. */
export function sideText(transfer, side, own) {
  const id = transfer[`${side}_wallet_id`];
  const mine = own.get(id);
  if (mine) return link(`/wallets/${id}`, t.ownWallet(mine.currency));
  const isStaff = can('wallets:read_all');
  if (bankSide(transfer, own) !== side) return idText(id, isStaff ? { to: `/wallets/${id}` } : {});
  const words = t.bankFor(transfer.method);
  return isStaff && id ? link(`/wallets/${id}`, words) : h('span', null, words);
}

/** What is known of both sides, for the page of one transfer: `{source, destination}`, each `{id, wallet, owner, isOwn, isBank}`. */
export async function partiesOf(transfer, signal) {
  const isStaff = can('wallets:read_all');
  const own = isStaff ? new Map() : await ownWallets(signal);
  const bank = bankSide(transfer, own);
  const known = new Map();
  const party = async (side) => {
    const id = transfer[`${side}_wallet_id`];
    if (!isStaff) return { id, wallet: own.get(id) ?? null, owner: null, isOwn: own.has(id), isBank: bank === side };
    if (!known.has(id)) known.set(id, staffView(id, signal));
    return known.get(id);
  };
  const [source, destination] = await Promise.all([party('source'), party('destination')]);
  return { source, destination };
}

/** A side on the page of one transfer. */
export function partyText({ id, wallet, owner, isOwn, isBank }, method) {
  if (isOwn) return link(`/wallets/${id}`, t.ownWallet(wallet.currency));
  const isStaff = can('wallets:read_all');
  if (isBank && !isStaff) return t.bankFor(method);
  const wallets = idText(id, isStaff ? { to: `/wallets/${id}` } : {});
  if (isBank) return [t.bankFor(method), ' ', wallets];
  return owner ? [link(`/people/${owner.id}`, owner.full_name), ' ', wallets] : wallets;
}

/** The owner of a wallet, or null where there is none or the reader may not know them. */
export async function ownerOf(wallet, signal) {
  if (wallet.user_id === null || !can('users:read')) return null;
  return get(at`/v1/users/${wallet.user_id}`, null, { signal });
}

async function staffView(id, signal) {
  const wallet = await get(at`/v1/wallets/${id}`, null, { signal });
  const isOwn = wallet.user_id === user().id;
  return { id, wallet, owner: isOwn ? null : await ownerOf(wallet, signal), isOwn, isBank: wallet.user_id === null };
}
