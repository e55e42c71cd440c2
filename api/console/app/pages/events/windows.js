// The feed newest first. The API gives it oldest first, behind a cursor; so the place of some transfers before is looked up, and
// the feed is read from there. Pure but for `ask`.

/** Transfers between two places. A filter of types wants more, since few of the events are of the types. */
const STEP = 50;
const STEP_FILTERED = 500;
/** Events of one request, and requests for one window. */
const LIMIT = 100;
const LIMIT_FILTERED = 500;
const READS_MAX = 30;
/** A look goes on until it has so many events, or has read so many windows. */
const ENOUGH = 20;
const WINDOWS_MAX = 6;
/** Transfers whose event is asked for, until one has one that the caller sees. */
const TRIES_MAX = 5;

/**
 * The events before `bound`, newest first: `{items, bound, cursor, skipped}`.
 *
 * - `ask`: `{events(params), transfers(params)}`, each answers a page of the API.
 * - `filter`: `{types: [..] | null, wallet, transfer}`.
 * - `bound`: null for now, else what the last look answered, or `before(time)`. In the answer null means that there is no more.
 * - `cursor`: behind the newest event, where a stream goes on; null where it begins now, or the look did not begin now.
 * - `skipped`: cursors behind which more happened than is read newest first.
 */
export async function look(ask, filter, bound = null) {
  const found = { items: [], bound, cursor: null, skipped: [] };
  for (let n = 0; n < WINDOWS_MAX; n += 1) {
    const place = filter.transfer ? null : await placeBefore(ask, filter, found.bound);
    const part = await readFrom(ask, filter, place?.cursor ?? null, found.bound);
    if (part.isCut) found.skipped.push(place?.cursor ?? '');
    else found.items.push(...part.items.reverse());
    if (found.bound === null && !part.isCut) found.cursor = part.cursor;
    found.bound = place === null ? null : place.bound;
    if (place === null || found.items.length >= ENOUGH) break;
  }
  return found;
}

/** The bound at a time of the API, or of `toIso`, which has fewer decimals. */
export function before(time) {
  const at = time.replace(/(?:\.(\d{0,6}))?Z$/, (whole, digits = '') => `.${digits.padEnd(6, '0')}Z`);
  return { at, isInclusive: false, to: at };
}

/** The event of a transfer some way back, as `{cursor, bound}`; null where the feed begins. */
async function placeBefore(ask, { types, wallet }, bound) {
  const step = types ? STEP_FILTERED : STEP;
  const { items, next_cursor: more } = await ask.transfers({ wallet_id: wallet, to: bound?.to, limit: step });
  if (!more) return null;
  for (const transfer of items.reverse().slice(0, TRIES_MAX)) {
    const event = await firstOf(ask, transfer.id);
    if (event) {
      const to = transfer.created_at < event.at ? transfer.created_at : event.at;
      return { cursor: event.id, bound: { at: event.at, isInclusive: true, to } };
    }
  }
  return null;
}

async function firstOf(ask, transfer) {
  let after;
  for (let n = 0; n < READS_MAX; n += 1) {
    const page = await ask.events({ transfer_id: transfer, limit: 1, after });
    if (page.items.length > 0 || !page.has_more) return page.items[0] ?? null;
    after = page.next_cursor;
  }
  return null;
}

/** Reads on behind a cursor until the bound, or now. Types are chosen here: an event of another type shows the bound too. */
async function readFrom(ask, { types, wallet, transfer }, cursor, bound) {
  const items = [];
  let after = cursor;
  for (let n = 0; n < READS_MAX; n += 1) {
    const page = await ask.events({ after, wallet_id: wallet, transfer_id: transfer, limit: types ? LIMIT_FILTERED : LIMIT });
    const inside = page.items.filter((event) => isInside(event, bound));
    items.push(...inside.filter((event) => !types || types.includes(event.type)));
    after = page.next_cursor;
    if (inside.length < page.items.length || !page.has_more) return { items, cursor: after, isCut: false };
  }
  return { items: [], cursor: after, isCut: true };
}

function isInside(event, bound) {
  if (bound === null) return true;
  return bound.isInclusive ? event.at <= bound.at : event.at < bound.at;
}
