// The line of a wallet's balance: exact from its entries where these are few, else from samples. Pure.
import { add, parse, toText } from '../../money.js';

const HOUR_MS = 3_600_000;
/** Ranges that can be chosen, in milliseconds; null is from the wallet's opening on. */
export const RANGES = { day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS, month: 30 * 24 * HOUR_MS, all: null };

/** Where a range begins, in milliseconds: never before the wallet. */
export function rangeStart(range, createdMs, untilMs) {
  const length = RANGES[range];
  return length === null ? createdMs : Math.max(createdMs, untilMs - length);
}

/** True if the entries, newest first, reach back to the beginning of the range. */
export function reachBack({ items, next_cursor: next }, fromMs) {
  return !next || (items.length > 0 && Date.parse(items.at(-1).created_at) < fromMs);
}

/**
 * The points of entries (newest first) between two times, oldest first. `balance` is that of a wallet without entries. The first
 * point is the balance at the beginning, the last one that at the end.
 */
export function pointsOfEntries(entries, { fromMs, untilMs, balance }) {
  const inside = entries.filter((entry) => Date.parse(entry.created_at) >= fromMs).reverse();
  const before = entries.find((entry) => Date.parse(entry.created_at) < fromMs);
  const first = inside.length > 0 ? balanceBefore(inside[0]) : before?.balance_after ?? balance;
  const last = inside.at(-1)?.balance_after ?? first;
  return [{ x: fromMs, y: first }, ...inside.map((entry) => ({ x: Date.parse(entry.created_at), y: entry.balance_after })), { x: untilMs, y: last }];
}

/** So many times from the beginning to shortly before the end, as the API takes them. The wallet's own first time is exact. */
export function sampleTimes({ fromMs, untilMs, createdAt, count }) {
  const step = (untilMs - fromMs) / count;
  return Array.from({ length: count }, (_, n) => {
    const ms = Math.floor(fromMs + n * step);
    return ms <= Date.parse(createdAt) ? createdAt : new Date(ms).toISOString();
  });
}

/** Does `work` for each item, at most `most` at once; answers the results in order. */
export async function inTurns(items, most, work) {
  const results = new Array(items.length);
  let next = 0;
  const turn = async () => {
    while (next < items.length) {
      const n = next;
      next += 1;
      results[n] = await work(items[n]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, turn));
  return results;
}

function balanceBefore({ balance_after: after, amount }) {
  return toText(add(after, -parse(amount)));
}
