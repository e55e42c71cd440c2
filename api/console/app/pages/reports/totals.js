// The arithmetic of the daily totals. Amounts are the texts that the bank sent, sums are BigInts of ten-thousandths.
import { add, toText } from '../../money.js';
import { slotsOf } from './days.js';

/** The sides of the report, in the order in which they are shown. */
export const SIDES = ['deposits', 'withdrawals'];
/** The payment methods that have a colour; the rest is one part if there are more. */
const COLOURS_MAX = 8;

/** The sums of each payment method, `[{method, deposits, withdrawals}]`, largest first. */
export function methodsOf(data) {
  const sums = new Map();
  for (const totals of Object.values(data)) {
    for (const side of SIDES) {
      for (const [method, amount] of Object.entries(totals[side])) {
        if (!sums.has(method)) sums.set(method, { method, deposits: 0n, withdrawals: 0n });
        sums.get(method)[side] += add(amount);
      }
    }
  }
  const size = (one) => one.deposits + one.withdrawals;
  return [...sums.values()].sort((a, b) => (size(a) === size(b) ? (a.method < b.method ? -1 : 1) : size(a) < size(b) ? 1 : -1));
}

/** The sums of each day that has any, newest first: `[{day, deposits, withdrawals}]`. */
export function daysOf(data) {
  const sum = (side) => add(...Object.values(side));
  return Object.entries(data).map(([day, totals]) => ({ day, deposits: sum(totals.deposits), withdrawals: sum(totals.withdrawals) }))
    .sort((a, b) => (a.day < b.day ? 1 : -1));
}

/** The sums of one side over all days. */
export function sumOf(days, side) {
  return days.reduce((sum, day) => sum + day[side], 0n);
}

/**
 * The bars of one side: a group for each day or month of the range, also where nothing moved. The first group has all methods,
 * so that a method has the same colour on both sides. `others(count)` names the part of those without a colour,
 * `tick(slot)` the group on the axis.
 */
export function barsOf(data, side, { range, methods, others, label, tick }) {
  const names = namesOf(methods, others);
  const slots = slotsOf(range);
  const sums = new Map(slots.map((slot) => [slot, new Map()]));
  for (const [day, totals] of Object.entries(data)) {
    const parts = sums.get(day.slice(0, slots[0].length));
    if (parts === undefined) continue;
    for (const [method, amount] of Object.entries(totals[side])) {
      const name = names.get(method);
      parts.set(name, (parts.get(name) ?? 0n) + add(amount));
    }
  }
  const order = [...new Set(names.values())];
  return slots.map((slot, n) => ({
    label: label(slot),
    ...(tick ? { tick: tick(slot) } : {}),
    parts: order.filter((name) => n === 0 || sums.get(slot).has(name)).map((name) => ({ label: name, value: toText(sums.get(slot).get(name) ?? 0n) })),
  }));
}

/** The sum of the highest bar as text, for charts that share a scale. */
export function highestOf(groups) {
  return toText(groups.map(({ parts }) => add(...parts.map((part) => part.value))).reduce((most, sum) => (sum > most ? sum : most), 0n));
}

/** The rows of the CSV file: the texts of the bank, one for each day, side and payment method. */
export function csvRows(data, currency) {
  return Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([day, totals]) => SIDES.flatMap((side) => (
    Object.entries(totals[side]).map(([method, amount]) => [day, side, method, currency, amount]))));
}

/** The name of the part that each method is in. */
function namesOf(methods, others) {
  const isMany = methods.length > COLOURS_MAX;
  const shown = isMany ? COLOURS_MAX - 1 : methods.length;
  const rest = isMany ? others(methods.length - shown) : null;
  return new Map(methods.map(({ method }, n) => [method, n < shown ? method : rest]));
}
