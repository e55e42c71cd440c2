// The feed newest first: what happened last, older ones on demand, and what happens now, until the reader pauses it.
import { get, isAbort, page as onePage } from '../../api.js';
import { append, h, mount } from '../../dom.js';
import { stream } from '../../live.js';
import { link } from '../../router.js';
import { text } from '../../text.js';
import { dateTime } from '../../time.js';
import { badge, button, errorBox, table } from '../../ui/index.js';
import { columns } from './event-parts.js';
import { before, look } from './windows.js';

const t = text.events;
/** New rows are drawn together, a few times a second. */
const DRAW_MS = 300;
const DRAW_MAX = 200;
const ROWS_MAX = 600;

/** `liveList({filter, until, signal})`; without `until` it is live. */
export function liveList({ filter, until, signal }) {
  const bar = h('div', { class: 'live-bar' });
  const skipped = h('div', { class: 'stack' });
  const short = h('div', { role: 'status' });
  const ask = {
    events: (params) => get('/v1/events', params, { signal }),
    transfers: (params) => onePage('/v1/transfers', params, { signal }),
  };
  const live = until ? null : liveRows({ filter, bar, signal, reload: () => list.reload() });

  async function load(bound, own) {
    if (bound === null) {
      live?.stop();
      mount(skipped);
    }
    const found = await look(ask, filter, bound ?? (until ? before(until) : null)).catch((error) => {
      if (bound === null && !own.aborted) live?.fail();
      throw error;
    });
    if (own.aborted) return { items: [], next_cursor: null };
    append(skipped, found.skipped.map(skippedNote));
    mount(short, found.items.length === 0 && found.bound ? t.lookedBack(dateTime(found.bound.at)) : null);
    if (bound === null) live?.begin(list, found);
    else live?.extend(found.items.length);
    return { items: found.items, next_cursor: found.bound };
  }
  const list = table({ caption: t.title, captionHidden: true, signal, empty: isFiltered(filter) || until ? t.empty : t.emptyNone, columns: columns(), load });
  return h('div', null, bar, list, h('div', { class: 'muted' }, short, skipped));
}

function isFiltered({ types, wallet, transfer }) {
  return Boolean(types || wallet || transfer);
}

function skippedNote(cursor) {
  const query = new URLSearchParams({ order: 'oldest', ...(cursor ? { after: cursor } : {}) });
  return h('p', null, t.skipped, ' ', link(`/events?${query}`, t.readOldest));
}

/** What comes in by the stream: drawn in bundles, paused by the reader, and begun anew when it is more than can be shown. */
function liveRows({ filter, bar, signal, reload }) {
  const state = h('span', { class: 'live-state', role: 'status' });
  const pause = button(t.pause, { click: () => (round === null ? resume() : stop('paused')) });
  const params = { types: filter.types?.join(','), wallet_id: filter.wallet, transfer_id: filter.transfer };
  let round = null;
  let last = null;
  let list = null;
  let rows = 0;
  let isExtended = false;
  let mustBegin = false;
  let waiting = [];
  let timer = 0;

  function tell(word) {
    const looks = { live: 'ok', lost: 'pending', paused: 'paused', long: 'paused', ended: 'away' };
    if (state.dataset.word !== word) mount(state, badge(looks[word], { label: t[word] }));
    state.dataset.word = word;
    mount(pause.querySelector('span'), round === null ? t.resume : t.pause);
  }
  function stop(word) {
    round?.abort();
    round = null;
    clearTimeout(timer);
    timer = 0;
    if (!word) waiting = [];
    else if (fits(waiting)) draw();
    else mustBegin = true;
    waiting = [];
    if (word) tell(word);
  }
  function resume() {
    if (mustBegin) reload();
    else follow();
  }
  function follow() {
    const own = new AbortController();
    round = own;
    const both = AbortSignal.any([signal, own.signal]);
    const onId = (id) => { if (!both.aborted) last = id; };
    const onState = (word) => { if (!both.aborted) tell(word === 'open' ? 'live' : 'lost'); };
    const onEvent = ({ data }) => { if (!both.aborted) take(JSON.parse(data)); };
    tell('lost');
    stream('/v1/events/stream', { params, onEvent, onId, onState, signal: both, lastEventId: last }).catch((error) => {
      if (isAbort(error) || both.aborted) return;
      stop('ended');
      mount(bar, state, pause, errorBox(error, { signal }));
    });
  }
  function take(event) {
    waiting.push(event);
    if (timer === 0) timer = setTimeout(draw, DRAW_MS);
  }
  function fits(events) {
    return events.length <= DRAW_MAX && rows + events.length <= ROWS_MAX;
  }
  /** Too many rows: a list without older pages begins anew; one with them stays for the reader, and waits. */
  function draw() {
    timer = 0;
    if (signal.aborted) return;
    if (!fits(waiting)) {
      if (isExtended) stop('long');
      else reload();
      return;
    }
    rows += waiting.length;
    for (const event of waiting) list.prepend(event, ROWS_MAX);
    waiting = [];
  }
  return {
    stop,
    /** The first rows could not be read: going on begins anew. */
    fail() {
      mustBegin = true;
      mount(bar, state, pause);
      tell('ended');
    },
    /** The first rows are there; what happens behind them follows. */
    begin(shown, found) {
      list = shown;
      rows = found.items.length;
      last = found.cursor;
      mustBegin = false;
      isExtended = false;
      mount(bar, state, pause);
      // The table draws its rows right after this.
      setTimeout(() => signal.aborted || round !== null || follow());
    },
    extend(count) {
      rows += count;
      isExtended = true;
    },
  };
}
