// Moves money: a transfer, a hold, a withdrawal, a deposit. What the reader may not do is not shown.
import { at, get } from '../../api.js';
import { h, mount, uid } from '../../dom.js';
import { add, format, parse, toText } from '../../money.js';
import { link, navigate, setQuery } from '../../router.js';
import { can, staff } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { facts, field, idText, moneyText, pageHeader, toast } from '../../ui/index.js';
import { SPANS, isMethod, isReceiver, newRequest } from './requests.js';
import { bankSide, ownWallets, ownerOf } from './sides.js';
import { twoSteps } from './two-steps.js';
import { walletPicker } from './wallet-picker.js';

const t = text.money;
const TEXT_MAX = 500;
const METHODS_OF = 100;
/** Fields of the bank that have another name here. */
const NAMES = { destination_email: 'receiver', destination_wallet_id: 'receiver', expires_in_s: 'span' };

export const page = { title: () => titleText(), permission: 'transfers:write', render };

async function render({ query, signal }) {
  const own = await ownWallets(signal);
  const payers = [...own.values()].filter((wallet) => wallet.status === 'ACTIVE');
  const kinds = kindsOf(payers.length > 0);
  const header = pageHeader({ title: titleText(), sub: t.newSub, crumbs: [['/transfers', text.nav.transfers]] });
  if (kinds.length === 0) return h('div', null, header, h('div', { class: 'empty' }, h('p', null, t.noWallets), h('p', null, link('/wallets', text.nav.wallets))));
  const state = { kind: kinds.includes(query.get('kind')) ? query.get('kind') : kinds[0], own, wallet: null, owner: null };
  const parts = fieldsOf(payers, query, signal, () => arrange());
  const steps = twoSteps({
    fields: [], label: titleText(), names: NAMES, level: 'h2', signal,
    requestOf: async (values) => {
      const chosen = isForAnyWallet(state) ? await parts.picker.find() : { id: parts.source.value };
      if (chosen === null) return null;
      state.wallet = await get(at`/v1/wallets/${chosen.id}`, null, { signal });
      state.owner = own.has(chosen.id) ? null : await ownerOf(state.wallet, signal);
      return newRequest(state.kind, chosen.id, values);
    },
    describe: (preview, request) => previewOf(preview, request, state),
    confirm: (preview) => t.confirmKinds[state.kind](format(preview.amount, preview.currency)),
    onDone(transfer) {
      toast(t.made[transfer.kind] ?? t.made.TRANSFER);
      if (!signal.aborted) navigate(`/transfers/${transfer.id}`);
    },
  });
  const choose = (kind) => {
    state.kind = kind;
    setQuery({ kind }, { replace: true });
    steps.reset();
    arrange();
  };
  function arrange() {
    const { fields, content } = arranged(state, parts);
    steps.first.setFields(fields, content);
    parts.amount.setCurrency(isForAnyWallet(state) ? '' : own.get(parts.source.value)?.currency ?? '');
  }
  arrange();
  return h('div', null, header, h('section', { 'aria-label': titleText() }, kindChoice(kinds, state.kind, choose), steps));
}

function titleText() {
  return staff() ? text.nav.newStaff : text.nav.newCustomer;
}

function kindsOf(hasWallet) {
  const isPayer = hasWallet && can('transfers:write');
  return [
    isPayer ? 'transfer' : null,
    isPayer ? 'hold' : null,
    can('deposits:write') ? 'deposit' : null,
    isPayer || can('transfers:settle') ? 'withdrawal' : null,
  ].filter(Boolean);
}

function kindChoice(kinds, chosen, choose) {
  return h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, t.kindOfMovement), kinds.map((kind) => h('label', null,
    h('input', { type: 'radio', name: 'kind', value: kind, checked: kind === chosen, on: { change: () => choose(kind) } }), h('span', null, t.newKinds[kind]))));
}

/** All fields; each kind shows those that it needs, so that what was typed stays when the kind changes. */
function fieldsOf(payers, query, signal, arrange) {
  const list = uid('methods');
  const asked = query.get('wallet') ?? '';
  const options = payers.map((wallet) => [wallet.id, t.walletOption(wallet.currency, format(wallet.available))]);
  return {
    source: field({ name: 'source_wallet_id', label: t.fromWallet, type: 'select', required: true, options, on: { change: arrange },
      value: payers.some((wallet) => wallet.id === asked) ? asked : payers[0]?.id }),
    picker: walletPicker({ value: asked, signal, onChange: arrange }),
    receiver: field({ name: 'receiver', label: t.receiver, hint: t.receiverHint, required: true, autocomplete: 'off', maxlength: 320, value: query.get('to') ?? '',
      check: (value) => (isReceiver(value) ? null : t.receiverWrong) }),
    method: field({ name: 'method', label: t.method, hint: t.methodHint, required: true, list, autocomplete: 'off', maxlength: 32,
      check: (value) => (isMethod(value) ? null : t.methodWrong) }),
    amount: field({ name: 'amount', label: t.amount, type: 'money', required: true }),
    description: field({ name: 'description', label: t.description, maxlength: TEXT_MAX }),
    isHeld: field({ name: 'isHeld', label: t.holdWithdrawal, hint: t.holdWithdrawalHint, type: 'checkbox', on: { change: arrange } }),
    span: field({ name: 'span', label: t.holdSpan, type: 'select', required: true, value: 'week', options: Object.keys(SPANS).map((name) => [name, t.spans[name]]) }),
    methods: methodSuggestions(list, signal),
  };
}

/** Staff who may move all money name a wallet; everybody else chooses one of their own. */
function isForAnyWallet({ kind }) {
  return kind === 'deposit' || (kind === 'withdrawal' && can('transfers:settle'));
}

function arranged(state, parts) {
  const { kind } = state;
  const wallet = isForAnyWallet(state) ? parts.picker.fields() : [parts.source];
  const isTransfer = kind === 'transfer' || kind === 'hold';
  const way = isTransfer ? [parts.receiver] : [parts.method];
  const held = kind === 'withdrawal' ? [parts.isHeld, parts.isHeld.value ? parts.span : null] : [kind === 'hold' ? parts.span : null];
  const fields = [...wallet, ...way, parts.amount, parts.description, ...held].filter(Boolean);
  const content = [h('p', { class: 'muted' }, t.kindHints[kind]), ...fields, isTransfer ? null : parts.methods];
  return { fields, content };
}

/** What would happen, and what could still be spent then. No links: they would lose what was typed. */
function previewOf(preview, request, { kind, own, wallet, owner }) {
  const named = (side) => {
    const id = preview[`${side}_wallet_id`];
    if (id === null || bankSide(preview, own) === side) return t.bankFor(preview.method);
    if (own.has(id)) return t.ownWallet(own.get(id).currency);
    const person = id === wallet.id ? owner?.full_name : request.body.destination_email;
    return [person ? [person, ' '] : null, idText(id, { whole: !person })];
  };
  const after = kind === 'deposit' ? add(wallet.available, preview.amount) : add(wallet.available, -parse(preview.amount));
  return facts([
    [t.kind, text.kinds[preview.kind]],
    [t.amount, h('strong', null, moneyText(preview.amount, preview.currency))],
    [t.from, named('source')],
    [t.to, named('destination')],
    [t.method, preview.method],
    [t.description, preview.description],
    [t.endsAt, preview.hold && show(preview.hold.expires_at)],
    [t.availableAfter, moneyText(toText(after), preview.currency)],
  ]);
}

/** The methods that were used lately, to choose from. Any other can be typed. */
function methodSuggestions(id, signal) {
  const el = h('datalist', { id });
  const asked = ['DEPOSIT', 'WITHDRAWAL'].map((kind) => get('/v1/transfers', { kind, limit: METHODS_OF }, { signal }));
  Promise.all(asked).then((pages) => {
    const names = new Set(pages.flatMap((one) => one.items.map((transfer) => transfer.method)));
    mount(el, [...names].filter(Boolean).sort().map((value) => h('option', { value })));
  }).catch(() => {});
  return el;
}
