// What staff may do with a wallet: freeze and unfreeze it, close it, limit it. Each is confirmed. Closing and limits are refused
// if what the reader decided on has changed meanwhile: then the dialog shows how it is now.
import { at, post, put } from '../../api.js';
import { h, mount } from '../../dom.js';
import { format } from '../../money.js';
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { badge, button, compact, confirmDialog, field, moneyText, toast } from '../../ui/index.js';

const t = text.money;
const REASON_MAX = 500;
const COUNT_MAX = 1_000_000_000;
/** Sends of one press, while money moves in between. */
const TRIES_MAX = 5;

/** The buttons that fit the wallet and the reader. `view` is `{wallet, etag, isOwn, signal, refresh()}`. */
export function walletActions(view) {
  const { wallet } = view;
  if (wallet.user_id === null) return [];
  return [...moneyLinks(view), ...statusButtons(view)];
}

/** The button below the limits, or null. */
export function limitsButton(view) {
  if (view.wallet.user_id === null || !can('limits:write')) return null;
  return button(t.setLimits, { click: () => askLimits(view) });
}

function moneyLinks({ wallet, isOwn }) {
  if (wallet.status !== 'ACTIVE') return [];
  const to = (kind, words, look = '') => link(`/transfers/new?kind=${kind}&wallet=${wallet.id}`, words, { class: `button ${look}` });
  const isPayer = isOwn && can('transfers:write');
  return [
    isPayer ? to('transfer', t.sendMoney, 'primary') : null,
    can('deposits:write') ? to('deposit', t.deposit) : null,
    isPayer || can('transfers:settle') ? to('withdrawal', t.withdraw) : null,
  ].filter(Boolean);
}

function statusButtons(view) {
  const { status } = view.wallet;
  const isFrozen = status === 'FROZEN';
  return [
    can('wallets:freeze') && status !== 'CLOSED' ? button(isFrozen ? t.unfreeze : t.freeze, { click: () => askFreeze(view, isFrozen) }) : null,
    can('wallets:close') && status !== 'CLOSED' ? button(t.close, { kind: 'danger', click: () => askClose(view) }) : null,
  ].filter(Boolean);
}

/** Without a tag: a wallet that is being emptied changes all the time, and it does not matter how much is in it. */
function askFreeze(view, isFrozen) {
  const reason = field({ name: 'reason', label: t.reason, hint: t.reasonHint, type: 'textarea', maxlength: REASON_MAX });
  return ask(view, {
    title: isFrozen ? t.unfreezeTitle : t.freezeTitle, words: isFrozen ? t.unfreezeText : t.freezeText,
    confirm: isFrozen ? t.unfreeze : t.freeze, fields: [reason], done: isFrozen ? t.unfrozen : t.frozen,
    send: (values) => post(at`/v1/wallets/${view.wallet.id}/${isFrozen ? 'unfreeze' : 'freeze'}`, compact({ reason: values.reason.trim() })),
  });
}

function askClose(view) {
  return ask(view, {
    title: t.closeTitle, words: t.closeText, confirm: t.close, kind: 'danger', fields: [], done: t.closed,
    send: () => sendTagged(view, (wallet) => wallet, (options) => post(at`/v1/wallets/${view.wallet.id}/close`, undefined, options)),
  });
}

function askLimits(view) {
  const { limits, currency } = view.wallet;
  const fields = [
    field({ name: 'per_transfer', label: t.perTransfer, type: 'money', currency, value: limits?.per_transfer ?? '' }),
    field({ name: 'per_day_amount', label: t.perDayAmount, type: 'money', currency, value: limits?.per_day_amount ?? '' }),
    field({ name: 'per_day_count', label: t.perDayCount, value: limits?.per_day_count ?? '', check: countFault }),
  ];
  return ask(view, {
    title: t.limitsTitle, words: t.limitsText, confirm: t.setLimits, fields, done: t.limitsSet,
    more: () => limitsNow(view.wallet, limits),
    send: ({ per_day_count: count, ...amounts }) => sendTagged(view, (wallet) => wallet.limits, (options) => put(at`/v1/wallets/${view.wallet.id}/limits`,
      { ...compact(amounts), ...(count === '' ? {} : { per_day_count: Number(count) }) }, options)),
  });
}

/** The limits of now, if they are not those that the form began with. */
function limitsNow({ limits, currency }, before) {
  if (isSame(limits, before)) return null;
  const amount = (value) => (value ? format(value, currency) : t.noLimit);
  const words = [[t.perTransfer, amount(limits?.per_transfer)], [t.perDayAmount, amount(limits?.per_day_amount)], [t.perDayCount, limits?.per_day_count ?? t.noLimit]];
  return h('p', null, t.limitsNow, ': ', words.map(([label, value]) => `${label}: ${value}`).join('; '), '. ', t.limitsChanged);
}

function countFault(count) {
  return /^[1-9][0-9]{0,9}$/.test(count) && Number(count) <= COUNT_MAX ? null : t.countWrong;
}

/**
 * Sends with the tag of the wallet that the reader has seen. `part` is what the decision is about: where only the rest of the wallet
 * has changed, such as its balance, it is sent again with the tag of now.
 */
export async function sendTagged(view, part, send) {
  const seen = part(view.wallet);
  for (let n = 1; ; n += 1) {
    try {
      return await send({ headers: { 'If-Match': view.etag } });
    } catch (error) {
      if (error.code !== 'precondition_failed') throw error;
      await view.refresh();
      if (n === TRIES_MAX || !isSame(part(view.wallet), seen)) throw error;
    }
  }
}

function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Asks, and sends. `more()` answers what else the reader must know of the wallet as it is now. */
async function ask(view, { title, words, confirm, kind, fields, done, send, more = () => null }) {
  const state = h('div', { role: 'status' });
  const showState = () => mount(state, h('p', null, badge(view.wallet.status), ' ', t.balance, ': ', moneyText(view.wallet.balance, view.wallet.currency),
    ', ', t.held, ': ', moneyText(view.wallet.held, view.wallet.currency)), more());
  showState();
  const isDone = await confirmDialog({
    title, text: h('div', { class: 'stack' }, h('p', null, words), state), confirm, kind, fields,
    async onConfirm(values) {
      try {
        await send(values);
      } catch (error) {
        if (error.code === 'precondition_failed') showState();
        throw error;
      }
    },
  });
  if (!isDone) return;
  toast(done);
  await view.refresh();
}
