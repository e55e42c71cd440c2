// Transfers, with every filter of the API in the address.
import { page as onePage } from '../../api.js';
import { h } from '../../dom.js';
import { link, setQuery } from '../../router.js';
import { can, staff } from '../../session.js';
import { text } from '../../text.js';
import { toIso, toLocalInput } from '../../time.js';
import { field, filterForm, pageHeader, table } from '../../ui/index.js';
import { transferColumns } from './columns.js';
import { isUuid } from './requests.js';
import { ownWallets } from './sides.js';

const t = text.money;
const STATUSES = ['PENDING', 'COMPLETED', 'FAILED'];
const TIMES = ['from', 'to'];

export const page = { title: text.nav.transfers, permission: 'transfers:read', render };

async function render({ query, signal }) {
  const own = can('transfers:read_all') ? new Map() : await ownWallets(signal);
  const fields = filterFields(query, own);
  const times = Object.fromEntries(TIMES.map((name) => [name, query.get(name) ?? '']));
  let asked = askedFor(fields, times);
  const filter = filterForm({
    fields, signal, submit: t.find, label: t.filter,
    async onSubmit() {
      asked = askedFor(fields, times);
      setQuery(asked);
      await list.reload();
    },
  });
  const mayMove = can('transfers:write') || can('deposits:write');
  const emptyWords = () => {
    if (Object.values(asked).some(Boolean)) return t.noTransfersFound;
    return mayMove ? t.noTransfersYet : t.noTransfers;
  };
  const list = table({
    caption: text.nav.transfers, captionHidden: true, signal, empty: emptyWords, columns: transferColumns(own),
    load: (cursor, mine) => onePage('/v1/transfers', { ...asked, cursor }, { signal: mine }),
  });
  const actions = mayMove ? [link('/transfers/new', staff() ? text.nav.newStaff : text.nav.newCustomer, { class: 'button primary' })] : [];
  return h('div', null, pageHeader({ title: text.nav.transfers, sub: t.transfersSub, actions }), filter, list);
}

function filterFields(query, own) {
  const value = (name) => query.get(name) ?? '';
  const any = ['', t.any];
  const id = (name, label) => field({ name, label, value: value(name), plain: true, autocomplete: 'off', maxlength: 36, check: (typed) => (isUuid(typed) ? null : t.idWrong) });
  const choice = (name, label, options) => field({ name, label, type: 'select', value: value(name), plain: true, options: [any, ...options] });
  const time = (name, label) => field({ name, label, type: 'datetime-local', value: toLocalInput(value(name)), plain: true });
  const wallets = [...own.values()].map((wallet) => [wallet.id, t.walletOf(wallet.currency)]);
  const isOwn = own.has(value('wallet_id')) || value('wallet_id') === '';
  return [
    wallets.length > 0 && isOwn ? choice('wallet_id', t.wallet, wallets) : id('wallet_id', t.walletId),
    choice('kind', t.kind, Object.keys(text.kinds).map((kind) => [kind, text.kinds[kind]])),
    choice('status', t.status, STATUSES.map((status) => [status, text.status[status]])),
    time('from', t.fromTime),
    time('to', t.toTime),
    id('batch_id', t.batchId),
    id('parent_id', t.parent),
  ];
}

/** What the fields ask for. A time of the address that was not changed keeps its seconds. */
function askedFor(fields, times) {
  return Object.fromEntries(fields.map(({ name, value }) => {
    if (!TIMES.includes(name)) return [name, value];
    return [name, value === toLocalInput(times[name]) ? times[name] : toIso(value)];
  }));
}
