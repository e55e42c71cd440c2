// What just happened: the newest transfers, and then every event as it comes. The feed has no end to begin from, so the place
// is taken from the first heartbeat of a stream, and the events are asked for.
import { get } from '../api.js';
import { h } from '../dom.js';
import { isAbort } from '../http.js';
import { poll, stream } from '../live.js';
import { link } from '../router.js';
import { text } from '../text.js';
import { ago } from '../time.js';
import { badge, idText, loading, moneyText, table } from '../ui/index.js';

const t = text.now;
const EVERY_MS = 3000;
const ROWS_MAX = 10;
/** Events of one question. Where more have happened, the list begins anew. */
const EVENTS_MAX = 500;
/** Transfers that are known to be in the list; far more than it shows. */
const SEEN_MAX = 500;
const KIND_EVENTS = { TRANSFER: 'transfer.completed', DEPOSIT: 'deposit.completed', WITHDRAWAL: 'withdrawal.completed', HOLD: 'hold.created',
  CAPTURE: 'hold.captured', RELEASE: 'hold.released', REVERSAL: 'reversal.completed' };

/** The section; it asks again until the signal aborts. */
export function latest(signal) {
  const rows = loading(async (own) => {
    const cursor = await position(own);
    const { items } = await get('/v1/transfers', { limit: ROWS_MAX }, { signal: own });
    return { cursor, items: items.map(eventOf) };
  }, ({ cursor, items }) => following(cursor, items, signal, () => { rows.reload(); }), { signal, lines: 8 });
  return h('section', { 'aria-labelledby': 'latest' }, h('div', { class: 'section-head' }, h('h2', { id: 'latest' }, t.latest), link('/events', t.allEvents)), rows);
}

/** The place in the feed where it is now. */
async function position(signal) {
  const round = new AbortController();
  let place = null;
  const onId = (id) => {
    place = id;
    round.abort();
  };
  await stream('/v1/events/stream', { onId, onEvent: () => {}, signal: AbortSignal.any([signal, round.signal]) });
  return place;
}

function following(cursor, items, signal, restart) {
  const seen = new Set(items.map((event) => event.data.id));
  const list = table({ caption: t.latest, captionHidden: true, items, columns: columns(), empty: t.latestEmpty, signal });
  const round = new AbortController();
  const own = AbortSignal.any([signal, round.signal]);
  let after = cursor;
  const ask = async () => {
    const page = await get('/v1/events', { after, limit: EVENTS_MAX }, { signal: own });
    if (page.has_more) {
      round.abort();
      restart();
      return;
    }
    after = page.next_cursor;
    for (const event of unseen(page.items, seen)) list.prepend(event, ROWS_MAX);
  };
  poll(ask, EVERY_MS, own).catch((error) => {
    if (!isAbort(error)) list.el.append(h('p', { class: 'muted' }, t.paused));
  });
  return list;
}

/** The newest of the events whose transfer is not in the list yet. Remembers those of all of them, and forgets the oldest. */
export function unseen(events, seen) {
  const fresh = events.slice(-ROWS_MAX).filter(({ data }) => !data.kind || !seen.has(data.id));
  for (const { data } of events) if (data.kind) seen.add(data.id);
  for (const id of seen) {
    if (seen.size <= SEEN_MAX) break;
    seen.delete(id);
  }
  return fresh;
}

function columns() {
  return [
    { label: t.when, cell: (event) => ago(event.at) },
    { label: t.what, rowHeader: true, cell: (event) => (event.data.status === 'FAILED' ? badge('FAILED', { label: text.eventTypes[event.type] }) : text.eventTypes[event.type] ?? event.type) },
    { label: t.amount, align: 'end', isLead: true, cell: (event) => (event.data.amount ? moneyText(event.data.amount, event.data.currency) : text.none) },
    { label: t.thing, cell: (event) => idText(event.data.id, { to: `${event.data.kind ? '/transfers' : '/wallets'}/${event.data.id}` }) },
  ];
}

/** A transfer of the list as the event that told of it. */
function eventOf(transfer) {
  const type = transfer.status === 'FAILED' && transfer.kind !== 'HOLD' ? 'transfer.failed' : KIND_EVENTS[transfer.kind];
  return { id: transfer.id, type, at: transfer.created_at, data: transfer };
}
