// Wallets: for staff all of them, searched by person, id and currency; for customers their own, and a new one.
import { get, page as onePage, post } from '../../api.js';
import { h, uid } from '../../dom.js';
import { link, setQuery } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, button, confirmDialog, field, filterForm, idText, moneyText, pageHeader, table, toast } from '../../ui/index.js';
import { currencies, currencySuggestions, isCurrency } from './currencies.js';

const t = text.money;
/** Users that one search of wallets may find. */
const NAMES_MAX = 200;

export const page = { title: t.wallets, permission: 'wallets:read', render };

function render(context) {
  return can('wallets:read_all') ? forStaff(context) : forCustomer(context);
}

function forStaff({ query, signal }) {
  const list = uid('currencies');
  const q = field({ name: 'q', label: t.person, type: 'search', value: query.get('q') ?? query.get('user_id') ?? '', plain: true, maxlength: 200 });
  const currency = field({ name: 'currency', label: t.currency, value: query.get('currency') ?? '', plain: true, list, maxlength: 3, autocomplete: 'off',
    check: (value) => (isCurrency(value) ? null : t.currencyWrong) });
  const typed = () => ({ q: q.value, currency: currency.value.toUpperCase() });
  let asked = typed();
  const filter = filterForm({
    fields: [q, currency], content: [q, currency, currencySuggestions(list)], signal, submit: t.find, label: t.filter,
    async onSubmit() {
      asked = typed();
      setQuery({ ...asked, user_id: null });
      await found.reload();
    },
  });
  const names = nameFinder(signal);
  const found = table({
    caption: t.wallets, captionHidden: true, signal, empty: t.noWalletsFound,
    async load(cursor, own) {
      const [answer, known] = await Promise.all([onePage('/v1/wallets', { ...asked, cursor }, { signal: own }), names(asked.q)]);
      return { ...answer, items: answer.items.map((wallet) => ({ ...wallet, owner: known.get(wallet.user_id) ?? null })) };
    },
    columns: [idColumn(), { label: t.owner, cell: ownerText }, ...walletColumns(), { label: t.opened, cell: (wallet) => show(wallet.created_at) }],
  });
  return h('div', null, pageHeader({ title: t.wallets, sub: t.walletsSub }), filter, found);
}

function forCustomer({ signal }) {
  const list = table({
    caption: t.ownWallets, captionHidden: true, signal, empty: t.noOwnWallets,
    load: (cursor, own) => onePage('/v1/wallets', { cursor }, { signal: own }),
    columns: [{ label: t.wallet, rowHeader: true, cell: (wallet) => link(`/wallets/${wallet.id}`, t.walletOf(wallet.currency)) }, ...walletColumns(),
      { label: t.opened, cell: (wallet) => show(wallet.created_at) }],
  });
  const open = can('wallets:open') ? button(t.openWallet, { kind: 'primary', click: () => openWallet(list) }) : null;
  return h('div', null, pageHeader({ title: t.ownWallets, actions: open ? [open] : [] }), list);
}

function idColumn() {
  return { label: t.wallet, rowHeader: true, cell: (wallet) => idText(wallet.id, { to: `/wallets/${wallet.id}` }) };
}

function walletColumns() {
  return [
    { label: t.available, align: 'end', isLead: true, cell: (wallet) => moneyText(wallet.available, wallet.currency) },
    { label: t.held, align: 'end', cell: (wallet) => moneyText(wallet.held, wallet.currency) },
    { label: t.balance, align: 'end', cell: (wallet) => moneyText(wallet.balance, wallet.currency) },
    { label: t.status, cell: (wallet) => badge(wallet.status) },
  ];
}

function ownerText({ user_id: id, owner }) {
  if (id === null) return h('span', { class: 'muted' }, t.bank);
  return owner ? link(`/people/${id}`, owner.full_name) : idText(id, { to: `/people/${id}` });
}

/**
 * Finds the owners' names in one request for a search: those that it finds, else the newest users, to whom the newest wallets
 * belong. A name that is not found stays an id.
 */
function nameFinder(signal) {
  const known = new Map();
  const asked = new Map();
  return async (q) => {
    if (!can('users:read')) return known;
    if (!asked.has(q)) asked.set(q, get('/v1/users', { q, limit: NAMES_MAX }, { signal }));
    try {
      const { items } = await asked.get(q);
      for (const person of items) known.set(person.id, person);
    } catch {
      // The wallets are shown without names; their own request tells what is wrong.
      asked.delete(q);
    }
    return known;
  };
}

async function openWallet(list) {
  const choice = field({ name: 'currency', label: t.currency, type: 'select', required: true, hint: t.openHint, options: [['', t.loadingCurrencies]] });
  currencies().then((items) => {
    const options = [['', t.choose], ...items.map(({ code, name }) => [code, `${code} – ${name}`])];
    choice.input.replaceChildren(...options.map(([value, label]) => h('option', { value }, label)));
  }).catch((error) => choice.setError(error.detail || t.noCurrencies));
  const isDone = await confirmDialog({ title: t.openTitle, confirm: t.openWallet, fields: [choice],
    onConfirm: ({ currency }) => post('/v1/wallets', { currency }) });
  if (!isDone) return;
  toast(t.walletOpened);
  await list.reload();
}
