// One wallet: what is in it, how that came, what is held, what limits it, and its statement.
import { at, download, getTagged, isAbort, page as onePage } from '../../api.js';
import { h, mount } from '../../dom.js';
import { link, setQuery } from '../../router.js';
import { can, user } from '../../session.js';
import { formatCount } from '../../money.js';
import { text } from '../../text.js';
import { show, toIso } from '../../time.js';
import { badge, errorBox, facts, field, form, idText, moneyText, pageHeader, table, tabs, tile, tiles } from '../../ui/index.js';
import { balanceChart } from './balance-chart.js';
import { ownerOf, ownWallets, sideText } from './sides.js';
import { limitsButton, walletActions } from './wallet-actions.js';

const t = text.money;
const FORMS = {
  csv: { accept: 'text/csv', end: 'csv' },
  json: { accept: 'application/json', end: 'json' },
  camt: { accept: 'application/xml', end: 'xml' },
};

export const page = { title: t.wallet, permission: 'wallets:read', render };

async function render({ params, query, signal }) {
  const { data, etag } = await getTagged(at`/v1/wallets/${params.id}`, null, { signal });
  const isOwn = data.user_id === user().id;
  const own = isOwn ? await ownWallets(signal) : new Map();
  const view = { wallet: data, etag, isOwn, own, owner: isOwn ? null : await ownerOf(data, signal), signal, refresh };
  const places = { actions: h('div', { class: 'actions' }), figures: tileSet(), facts: h('div'), limits: h('div', { class: 'stack' }) };
  const chart = balanceChart({ wallet: () => view.wallet, range: query.get('range'), signal });
  draw(view, places);

  async function refresh() {
    try {
      const next = await getTagged(at`/v1/wallets/${params.id}`, null, { signal });
      Object.assign(view, { wallet: next.data, etag: next.etag });
      draw(view, places);
    } catch (error) {
      if (!isAbort(error)) mount(places.facts, errorBox(error, { retry: refresh, signal }));
    }
    if (document.activeElement === document.body) document.querySelector('main h1')?.focus();
  }
  return h('div', null,
    pageHeader({ title: t.walletOf(view.wallet.currency), sub: idText(view.wallet.id, { whole: true }), crumbs: [['/wallets', isOwn ? t.ownWallets : t.wallets]], actions: [places.actions] }),
    h('section', { 'aria-label': t.figures }, places.figures.el, places.facts), chart, details(view, places, query));
}

function tileSet() {
  const shown = { available: tile({ label: t.available }), held: tile({ label: t.held }), balance: tile({ label: t.balance }) };
  return { ...shown, el: tiles(shown.available, shown.held, shown.balance) };
}

function draw(view, places) {
  const { wallet } = view;
  for (const name of ['available', 'held', 'balance']) places.figures[name].set([moneyText(wallet[name]), ' ', h('small', null, wallet.currency)]);
  mount(places.actions, walletActions(view));
  mount(places.facts, facts([
    [t.status, badge(wallet.status)],
    [t.owner, ownerText(view)],
    [t.opened, show(wallet.created_at)],
    [t.changed, show(wallet.updated_at)],
    [t.entryCount, formatCount(wallet.version)],
  ]));
  mount(places.limits, limitFacts(wallet), limitsButton(view));
}

function ownerText({ wallet, owner, isOwn }) {
  if (isOwn) return t.you;
  if (wallet.user_id === null) return t.bank;
  return owner ? link(`/people/${owner.id}`, owner.full_name) : idText(wallet.user_id);
}

function details(view, places, query) {
  const list = [
    { id: 'entries', label: t.entries, render: () => entries(view) },
    { id: 'holds', label: t.holds, render: () => holds(view) },
    view.wallet.user_id === null ? null : { id: 'limits', label: t.limits, render: () => places.limits },
    { id: 'statement', label: t.statement, render: () => statement(view) },
  ].filter(Boolean);
  return tabs({ label: t.walletParts, tabs: list, selected: query.get('tab') ?? 'entries', onChange: (tab) => setQuery({ tab }, { replace: true }) });
}

function entries({ wallet, own, signal }) {
  return table({
    caption: t.entries, captionHidden: true, signal, empty: t.noEntries,
    load: (cursor, mine) => onePage(at`/v1/wallets/${wallet.id}/entries`, { cursor }, { signal: mine }),
    columns: [
      { label: t.when, rowHeader: true, cell: (entry) => link(`/transfers/${entry.transfer_id}`, show(entry.created_at)) },
      { label: t.kind, cell: (entry) => text.kinds[entry.kind] ?? entry.kind },
      { label: t.otherSide, cell: (entry) => otherSide(entry, own) },
      { label: t.description, cell: (entry) => entry.description ?? h('span', { class: 'none' }, text.none) },
      { label: t.amount, align: 'end', isLead: true, cell: (entry) => moneyText(entry.amount, null, { signed: true }) },
      { label: t.balanceAfter, align: 'end', cell: (entry) => moneyText(entry.balance_after, wallet.currency) },
    ],
  });
}

function otherSide({ kind, counterparty_wallet_id: id }, own) {
  if (own.has(id)) return link(`/wallets/${id}`, t.ownWallet(own.get(id).currency));
  if (can('wallets:read_all')) return idText(id, { to: `/wallets/${id}` });
  return kind === 'DEPOSIT' || kind === 'WITHDRAWAL' ? t.bank : idText(id);
}

function holds({ wallet, own, signal }) {
  const isOut = (hold) => hold.source_wallet_id === wallet.id;
  return h('div', { class: 'stack' }, h('p', { class: 'muted' }, t.holdsHint), table({
    caption: t.holds, captionHidden: true, signal, empty: t.noHolds,
    load: (cursor, mine) => onePage('/v1/transfers', { wallet_id: wallet.id, kind: 'HOLD', status: 'PENDING', cursor }, { signal: mine }),
    columns: [
      { label: t.when, rowHeader: true, cell: (hold) => link(`/transfers/${hold.id}`, show(hold.created_at)) },
      { label: t.direction, cell: (hold) => (isOut(hold) ? t.promised : t.awaited) },
      { label: t.otherSide, cell: (hold) => sideText(hold, isOut(hold) ? 'destination' : 'source', own) },
      { label: t.remaining, align: 'end', isLead: true, cell: (hold) => moneyText(hold.hold.remaining, hold.currency) },
      { label: t.amount, align: 'end', cell: (hold) => moneyText(hold.amount, hold.currency) },
      { label: t.endsAt, cell: (hold) => show(hold.hold.expires_at) },
    ],
  }));
}

function limitFacts({ limits, currency }) {
  if (limits === null) return h('p', { class: 'muted' }, t.noLimits);
  const amount = (value) => (value === null ? t.noLimit : moneyText(value, currency));
  return facts([
    [t.perTransfer, amount(limits.per_transfer)],
    [t.perDayAmount, amount(limits.per_day_amount)],
    [t.perDayCount, limits.per_day_count === null ? t.noLimit : formatCount(limits.per_day_count)],
  ]);
}

/** A statement as a file: JSON, a table, or the message that banks send each other. */
function statement({ wallet, signal }) {
  const fields = [
    field({ name: 'from', label: t.fromTime, type: 'datetime-local', hint: t.fromHint }),
    field({ name: 'to', label: t.toTime, type: 'datetime-local', hint: t.toHint }),
    field({ name: 'form', label: t.fileForm, type: 'select', required: true, options: Object.keys(FORMS).map((name) => [name, t.forms[name]]), value: 'csv' }),
  ];
  return h('div', { class: 'stack' }, h('p', { class: 'muted' }, t.statementHint), form({
    fields, submit: t.download, label: t.statement,
    async onSubmit(values) {
      const { accept, end } = FORMS[values.form];
      const range = { from: toIso(values.from), to: toIso(values.to) };
      await download(at`/v1/wallets/${wallet.id}/statement`, accept, t.statementFile(wallet.currency, wallet.id.slice(-8), end), { params: range, signal });
    },
  }));
}
