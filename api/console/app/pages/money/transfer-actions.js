// What can become of a transfer: a hold is captured or voided, money that moved is taken back. Each dialog asks the bank first
// what would happen.
import { at, get } from '../../api.js';
import { h } from '../../dom.js';
import { add, compare, format, parse, toText } from '../../money.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { button, facts, field, keyring, moneyText, openDialog, toast } from '../../ui/index.js';
import { captureRequest, reverseRequest, voidRequest } from './requests.js';
import { twoSteps } from './two-steps.js';

const t = text.money;
const REVERSIBLE = ['TRANSFER', 'DEPOSIT', 'WITHDRAWAL', 'CAPTURE'];
const TEXT_MAX = 500;

/** The buttons that fit the transfer and the reader. `view` is `{transfer, parties, signal, refresh()}`, and keeps the keys of its dialogs. */
export function transferActions(view) {
  const left = leftToReverse(view.transfer);
  return [
    maySettle(view) ? button(t.capture, { kind: 'primary', click: () => askCapture(view) }) : null,
    maySettle(view) ? button(t.void, { click: () => askVoid(view) }) : null,
    can('transfers:reverse') && left !== null ? button(t.reverse, { click: () => askReverse(view, left) }) : null,
  ].filter(Boolean);
}

/** An open hold is ended by operators, and by its receiver unless it is a withdrawal. */
export function maySettle({ transfer, parties }) {
  if (transfer.kind !== 'HOLD' || transfer.status !== 'PENDING') return false;
  return can('transfers:settle') || (can('transfers:write') && parties.destination.isOwn);
}

/** How much can be taken back, as text; null if nothing. */
export function leftToReverse({ kind, status, amount, reversed }) {
  if (!REVERSIBLE.includes(kind) || status !== 'COMPLETED' || compare(amount, reversed) <= 0) return null;
  return toText(add(amount, -parse(reversed)));
}

/** What becomes of a hold's remaining amount: `{taken, back, kept}`. */
export function captureParts(remaining, taken, isFinal) {
  const rest = toText(add(remaining, -parse(taken)));
  return isFinal ? { taken, back: rest, kept: '0.0000' } : { taken, back: '0.0000', kept: rest };
}

function askCapture(view) {
  const { id, currency, hold } = view.transfer;
  const amount = field({ name: 'amount', label: t.amount, type: 'money', currency, hint: t.captureHint(format(hold.remaining, currency)) });
  const isFinal = field({ name: 'isFinal', label: t.isFinal, hint: t.isFinalHint, type: 'checkbox', value: true });
  let { remaining } = hold;
  return ask(view, {
    title: t.captureTitle, fields: [amount, isFinal], done: t.captureDone,
    async requestOf(values) {
      remaining = (await asItIsNow(view)).hold.remaining;
      return captureRequest(id, values);
    },
    confirm: (preview) => t.captureOf(format(preview.amount, currency)),
    describe(preview, { body }) {
      const parts = captureParts(remaining, preview.amount, body.final !== false);
      return facts([[t.toReceiver, moneyText(parts.taken, currency)], [t.backToPayer, moneyText(parts.back, currency)], [t.staysHeld, moneyText(parts.kept, currency)]]);
    },
  });
}

function askVoid(view) {
  const { id, currency } = view.transfer;
  return ask(view, {
    title: t.voidTitle, intro: t.voidText, fields: [], requestOf: () => voidRequest(id), done: t.voidDone, kind: 'danger',
    confirm: (preview) => t.voidOf(format(preview.amount, currency)),
    describe: (preview) => facts([[t.backToPayer, moneyText(preview.amount, currency)]]),
  });
}

function askReverse(view, left) {
  const { id, currency } = view.transfer;
  const amount = field({ name: 'amount', label: t.amount, type: 'money', currency, hint: t.reverseHint(format(left, currency)) });
  const description = field({ name: 'description', label: t.description, maxlength: TEXT_MAX });
  let { reversed } = view.transfer;
  return ask(view, {
    title: t.reverseTitle, intro: t.reverseText, fields: [amount, description], done: t.reverseDone, kind: 'danger',
    async requestOf(values) {
      ({ reversed } = await asItIsNow(view));
      return reverseRequest(id, values);
    },
    confirm: (preview) => t.reverseOf(format(preview.amount, currency)),
    describe: (preview) => facts([
      [t.amount, moneyText(preview.amount, currency)],
      [t.reversedAfter, moneyText(toText(add(reversed, preview.amount)), currency)],
      [t.description, preview.description],
    ]),
  });
}

/** The transfer anew: others may have captured or reversed it since the page was loaded. */
function asItIsNow({ transfer, signal }) {
  return get(at`/v1/transfers/${transfer.id}`, null, { signal });
}

/** A dialog in two steps. When something was recorded the page shows it, after the dialog has closed. */
function ask(view, { title, intro, fields, requestOf, describe, confirm, done, kind }) {
  let isChanged = false;
  const changed = () => {
    isChanged = true;
    if (!dialog.el.open) view.refresh();
  };
  const steps = twoSteps({
    fields, requestOf, describe, confirm, kind, signal: view.signal, label: title,
    buttons: [button(text.ui.cancel, { click: () => dialog.close() })],
    keys: (view.keys ??= keyring()),
    onChanged: changed,
    onDone(made) {
      changed();
      dialog.close();
      toast(t.doneOf(done, format(made.amount, view.transfer.currency)));
    },
  });
  const dialog = openDialog({ title, content: [intro ? h('p', null, intro) : null, steps], onClose: () => { if (isChanged) view.refresh(); } });
}
