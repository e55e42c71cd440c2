// What a new look at the deliveries changes in the list on the page. Pure.

/** The most new rows of one look. */
const FRESH_MAX = 50;

/**
 * - `known`: the deliveries in the list; `newest`: the first page of all deliveries, whatever their status.
 * - `waiting`: the list of pending ones, `{items, next_cursor}`, or null where it was not asked for.
 * - `status`: the list's filter, or ''.
 *
 * Answers `{changed, fresh, mustReload}`: rows to draw anew, new rows (newest first), and whether a row's outcome can only be
 * learned by loading the list again.
 */
export function planRefresh({ known, newest, waiting, status }) {
  const seen = new Map([...(waiting?.items ?? []), ...newest].map((item) => [item.id, item]));
  const ids = new Set(known.map((item) => item.id));
  const changed = known.map((item) => seen.get(item.id)).filter((item, n) => item && !isEqual(item, known[n]));
  const last = known.reduce((latest, item) => (item.created_at > latest ? item.created_at : latest), '');
  const fresh = newest.filter((item) => !ids.has(item.id) && item.created_at > last && (status === '' || item.status === status));
  const isLost = (item) => item.status === 'pending' && !seen.has(item.id);
  const isWhole = waiting !== null && !waiting.next_cursor;
  return { changed, fresh: fresh.slice(0, FRESH_MAX), mustReload: isWhole && known.some(isLost) };
}

/** True if a pending row is not among the newest, so that the pending ones must be asked for. */
export function needsWaiting(known, newest) {
  const ids = new Set(newest.map((item) => item.id));
  return known.some((item) => item.status === 'pending' && !ids.has(item.id));
}

function isEqual(a, b) {
  return ['status', 'attempts', 'next_attempt_at', 'response_status', 'response_excerpt'].every((name) => a[name] === b[name]);
}
