// The arithmetic of the charts: from exact values to pixels. Values are BigInts of 10^-10 until their share of the axis is known.
import { formatCount, parse, ratio, toText } from './money.js';

/** Decimals of a value; the reports have at most ten. */
export const DECIMALS = 10;
const ONE = 10n ** BigInt(DECIMALS);
const SHORT = [[10n ** 12n, 'T'], [10n ** 9n, 'G'], [10n ** 6n, 'M'], [10n ** 3n, 'k']];

/** The exact value of a decimal text, a BigInt or a whole number; zero where it is none. */
export function exact(value) {
  if (typeof value === 'bigint') return value * ONE;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) * ONE : 0n;
  return parse(value, DECIMALS) ?? 0n;
}

/** The smallest of 1, 2, 2.5, 5, 10, 20, ... that is not less. */
export function niceStep(value) {
  if (value <= 0n) return ONE;
  let power = 10n ** BigInt(value.toString().length - 1);
  for (;;) {
    for (const tenths of [10n, 20n, 25n, 50n]) {
      const step = (power * tenths) / 10n;
      if (step >= value) return step;
    }
    power *= 10n;
  }
}

/** An axis that holds all values and zero: `{low, high, ticks}`, with about four steps. */
export function axis(values, steps = 4n) {
  const low = values.reduce((least, value) => (value < least ? value : least), 0n);
  const high = values.reduce((most, value) => (value > most ? value : most), 0n);
  const span = high - low;
  const step = niceStep((span + steps - 1n) / steps);
  const down = low < 0n ? (low - step + 1n) / step : 0n;
  const up = high > 0n ? (high + step - 1n) / step : span === 0n ? 1n : 0n;
  const ticks = [];
  for (let n = down; n <= up; n += 1n) ticks.push(n * step);
  return { low: down * step, high: up * step, ticks };
}

/** The pixel of a value on an axis of `length` pixels that grows upwards. */
export function pixel(value, { low, high }, length) {
  return length - ratio(value - low, high - low) * length;
}

/** The `d` of a path through the points. With `isStep` the line stays level until the next point. */
export function linePath(points, isStep = false) {
  return points.map(([x, y], n) => {
    if (n === 0) return `M${round(x)} ${round(y)}`;
    return isStep ? `H${round(x)}V${round(y)}` : `L${round(x)} ${round(y)}`;
  }).join('');
}

/** The parts of a bar, each with where it begins and ends. Parts below zero count as zero. */
export function stack(parts) {
  let sum = 0n;
  return parts.map((part) => {
    const from = sum;
    const value = exact(part.value);
    sum += value > 0n ? value : 0n;
    return { ...part, from, to: sum };
  });
}

/** A value for an axis, short: "1.5 M", "250", "0.25". */
export function shortText(value) {
  const size = value < 0n ? -value : value;
  const sign = value < 0n ? '\u2212' : '';
  const unit = SHORT.find(([from]) => size >= from * ONE);
  if (unit === undefined) return sign + trimmed(toText(size, DECIMALS));
  const hundredths = (size * 100n) / (unit[0] * ONE);
  return `${sign}${trimmed(toText(hundredths, 2))}\u00a0${unit[1]}`;
}

/** A value in full, for tables and titles: grouped, without zeros at its end. */
export function fullText(value) {
  const [whole, fraction] = trimmed(toText(exact(value), DECIMALS)).split('.');
  return fraction ? `${formatCount(whole)}.${fraction}` : formatCount(whole);
}

/** How much of the whole, in percent with one decimal: "42.5". */
export function percent(part, whole) {
  if (whole === 0n) return '0.0';
  return toText((part * 1000n + whole / 2n) / whole, 1);
}

/** Of so many labels the ones that fit: every n-th. */
export function everyNth(count, room, size) {
  return Math.max(1, Math.ceil((count * size) / Math.max(room, 1)));
}

function trimmed(text) {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function round(pixels) {
  return Math.round(pixels * 10) / 10;
}
