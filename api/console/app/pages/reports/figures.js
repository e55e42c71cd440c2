// The figures of the merchants' reports as charts and files want them. Counts and rates are the texts that the bank sent.
import { formatCount } from '../../money.js';
import { text } from '../../text.js';
import { monthNumber, monthsBetween } from './days.js';

/** A decimal for people, with the decimals that the bank wrote: "98 765 432.10". */
export function grouped(value) {
  const [whole, fraction] = String(value).split('.');
  return fraction === undefined ? formatCount(whole) : `${formatCount(whole)}.${fraction}`;
}

/** The points of the monthly line, `[{x, y}]`; months that the bank leaves out had no merchant. */
export function monthPoints(counts) {
  const months = Object.keys(counts).sort();
  if (months.length === 0) return [];
  return monthsBetween(months[0], months.at(-1)).map((month) => ({ x: monthNumber(month), y: counts[month] ?? '0' }));
}

/** The activities of a product by how they ended, and their sum. */
export function countsOf({ success, failed, pending }) {
  const [good, bad, open] = [success, failed, pending].map(BigInt);
  return { ended: good + bad, failed: bad, all: good + bad + open };
}

/** The path of a merchant's page. */
export function merchantPath(id) {
  return `/reports/merchants/${encodeURIComponent(id)}`;
}

/** A product's name for people. */
export function productWord(product) {
  return text.reports.products[product] ?? product;
}
