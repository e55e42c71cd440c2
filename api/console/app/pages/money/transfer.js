// One transfer: its two sides, what it belongs to, what became of it, what happened when, and the proof that it stands in the
// bank's journal.
import { at, get, isAbort, page as onePage, reportJson } from '../../api.js';
import { h, mount } from '../../dom.js';
import { compare } from '../../money.js';
import { link } from '../../router.js';
import { can, user } from '../../session.js';
import { text } from '../../text.js';
import { ago, show } from '../../time.js';
import { badge, errorBox, facts, idText, moneyText, pageHeader, table, tile, tiles } from '../../ui/index.js';
import { reasonText, transferColumns } from './columns.js';
import { flattened } from './metadata.js';
import { receiptSection } from './receipt-section.js';
import { ownWallets, partiesOf, partyText } from './sides.js';
import { transferActions } from './transfer-actions.js';

const t = text.money;
const EVENTS_OF = 50;
const PAGES_MAX = 20;
const MAY_HAVE_CHILDREN = ['HOLD', 'TRANSFER', 'DEPOSIT', 'WITHDRAWAL', 'CAPTURE'];

export const page = { title: t.transfer, permission: 'transfers:read', render };

async function render({ params, signal }) {
  const view = { transfer: await transferOf(params.id, signal), signal, refresh };
  const [parties, own] = await Promise.all([partiesOf(view.transfer, signal), can('transfers:read_all') ? new Map() : ownWallets(signal)]);
  Object.assign(view, { parties, own });
  const places = { actions: h('div', { class: 'actions' }), facts: h('div') };
  const lists = [children(view), batch(view), events(view)].filter(Boolean);
  draw(view, places);

  /** After an action: the transfer and its lists as they are now. */
  async function refresh() {
    try {
      view.transfer = await transferOf(params.id, signal);
      draw(view, places);
    } catch (error) {
      if (!isAbort(error)) mount(places.facts, errorBox(error, { retry: refresh, signal }));
    }
    if (document.activeElement === document.body) document.querySelector('main h1')?.focus();
    await Promise.all(lists.map((list) => list.reload()));
  }
  const { kind } = view.transfer;
  return h('div', null,
    pageHeader({ title: text.kinds[kind] ?? kind, sub: idText(params.id, { whole: true }), crumbs: [['/transfers', text.nav.transfers]], actions: [places.actions] }),
    h('section', { 'aria-label': t.facts }, places.facts), lists, receiptSection(view.transfer.id, signal));
}

/** Numbers stay text: the metadata may hold any. */
function transferOf(id, signal) {
  return reportJson(at`/v1/transfers/${id}`, null, { signal });
}

function draw(view, places) {
  const { transfer, parties } = view;
  mount(places.actions, transferActions(view));
  mount(places.facts, tiles(
    tile({ label: t.amount, value: [moneyText(transfer.amount), ' ', h('small', null, transfer.currency)] }),
    tile({ label: t.status, value: badge(transfer.status) }),
    tile({ label: t.when, value: show(transfer.created_at), sub: ago(transfer.created_at) }),
  ), facts([
    [t.why, transfer.failure_reason && [reasonText(transfer.failure_reason), ' ', h('code', null, transfer.failure_reason)]],
    [t.from, partyText(parties.source, transfer.method)],
    [t.to, partyText(parties.destination, transfer.method)],
    ...holdFacts(transfer),
    [t.reversed, compare(transfer.reversed, '0') > 0 ? moneyText(transfer.reversed, transfer.currency) : null],
    [t.completed, transfer.completed_at && transfer.completed_at !== transfer.created_at ? show(transfer.completed_at) : null],
    [t.method, transfer.method],
    [t.description, transfer.description],
    [t.metadata, transfer.metadata && metadataFacts(transfer.metadata)],
    [t.holdOf, transfer.hold_id && idText(transfer.hold_id, { to: `/transfers/${transfer.hold_id}` })],
    [t.reverses, transfer.reverses && idText(transfer.reverses, { to: `/transfers/${transfer.reverses}` })],
    [t.batch, transfer.batch_id && idText(transfer.batch_id, { to: `/transfers?batch_id=${transfer.batch_id}` })],
    [t.askedBy, askedBy(transfer)],
    [t.apiKey, transfer.api_key_id && idText(transfer.api_key_id)],
  ]));
}

function holdFacts({ hold, currency, status }) {
  if (hold === null) return [];
  return [
    [t.remaining, moneyText(hold.remaining, currency)],
    [t.captured, moneyText(hold.captured, currency)],
    [status === 'PENDING' ? t.endsAt : t.endedAtLatest, status === 'PENDING' ? [show(hold.expires_at), ' (', ago(hold.expires_at), ')'] : show(hold.expires_at)],
  ];
}

function askedBy({ created_by: id, kind }) {
  if (id === null) return kind === 'RELEASE' ? t.byTime : t.byPayer;
  if (id === user().id) return t.you;
  return idText(id, can('users:read') ? { to: `/people/${id}` } : {});
}

function metadataFacts(metadata) {
  const pairs = flattened(metadata);
  return pairs.length === 0 ? h('code', null, '{}') : facts(pairs.map(([name, value]) => [h('code', null, name), value]));
}

/** The captures and the release of a hold, or the reversals of another transfer. */
function children({ transfer, own, signal }) {
  if (!MAY_HAVE_CHILDREN.includes(transfer.kind) || (transfer.kind !== 'HOLD' && transfer.status === 'FAILED')) return null;
  const isHold = transfer.kind === 'HOLD';
  return section(isHold ? t.holdChildren : t.reversals, table({
    caption: isHold ? t.holdChildren : t.reversals, captionHidden: true, signal, empty: isHold ? t.noHoldChildren : t.noReversals, columns: transferColumns(own),
    load: (cursor, mine) => onePage('/v1/transfers', { parent_id: transfer.id, cursor }, { signal: mine }),
  }));
}

function batch({ transfer, own, signal }) {
  if (transfer.batch_id === null) return null;
  return section(t.sameBatch, table({
    caption: t.sameBatch, captionHidden: true, signal, columns: transferColumns(own),
    load: (cursor, mine) => onePage('/v1/transfers', { batch_id: transfer.batch_id, cursor }, { signal: mine }),
  }));
}

function events({ transfer, signal }) {
  return section(t.events, table({
    caption: t.events, captionHidden: true, signal, empty: t.noEvents,
    load: (cursor, mine) => eventPage(transfer.id, cursor, mine),
    columns: [
      { label: t.when, rowHeader: true, cell: (event) => show(event.at) },
      { label: t.what, cell: (event) => text.eventTypes[event.type] ?? event.type },
      { label: t.amount, align: 'end', isLead: true, cell: (event) => moneyText(event.data.amount, event.data.currency) },
      { label: t.transfer, cell: (event) => (event.data.id === transfer.id ? t.thisOne : link(`/transfers/${event.data.id}`, text.kinds[event.data.kind])) },
      { label: t.who, cell: (event) => actor(event.actor_id) },
      { label: t.request, cell: (event) => (event.request_id ? h('code', null, event.request_id) : h('span', { class: 'none' }, text.none)) },
    ],
  }));
}

function actor(id) {
  if (id === null) return h('span', { class: 'none' }, text.none);
  if (id === user().id) return t.you;
  return idText(id, can('users:read') ? { to: `/people/${id}` } : {});
}

/** The feed has a cursor at its end too, and may have empty pages before it. */
async function eventPage(id, cursor, signal) {
  let after = cursor;
  for (let n = 0; ; n += 1) {
    const answer = await get('/v1/events', { transfer_id: id, after, limit: EVENTS_OF }, { signal });
    after = answer.next_cursor;
    if (answer.items.length > 0 || !answer.has_more || n === PAGES_MAX) return { items: answer.items, next_cursor: answer.has_more ? after : null };
  }
}

function section(title, list) {
  return { el: h('section', { 'aria-label': title }, h('h2', null, title), list), reload: list.reload };
}
