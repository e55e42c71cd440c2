// Amounts of money. They are strings of the API or BigInts of ten-thousandths, never JavaScript numbers.

/** Decimals of an amount. */
export const SCALE = 4;
const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;
const INPUT = /^(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?$/;
const SPACES = /[\s\u2009\u202f\u00a0]/g;
/** Narrow and not broken over lines. */
const GROUP = '\u202f';
const MINUS = '\u2212';

/** The units (10^-scale) of a decimal text, or null where it is none or has more decimals than the scale that are not 0. */
export function parse(text, scale = SCALE) {
  const found = DECIMAL.exec(String(text));
  if (found === null) return null;
  const [, sign, whole, fraction = ''] = found;
  if (/[1-9]/.test(fraction.slice(scale))) return null;
  const units = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  return sign === '-' ? -units : units;
}

/** The decimal text of units, as the API writes it: `toText(12345000n)` is "1234.5000". */
export function toText(units, scale = SCALE) {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
  return `${units < 0n ? '-' : ''}${whole}${fraction}`;
}

/** For people: "1 234.5000", with the currency behind it if one is given. Decimals beyond four stay where they are not 0. */
export function format(value, currency) {
  const found = DECIMAL.exec(typeof value === 'bigint' ? toText(value) : String(value ?? ''));
  if (found === null) return String(value ?? '');
  const [, sign, whole, fraction = ''] = found;
  const decimals = fraction.replace(/0+$/, '').padEnd(SCALE, '0');
  const amount = `${sign === '-' ? MINUS : ''}${grouped(whole)}.${decimals}`;
  return currency ? `${amount}\u00a0${currency}` : amount;
}

/** A whole number for people: "12 345". Takes a string, a BigInt or a whole number. */
export function formatCount(value) {
  const text = String(value ?? '');
  if (!/^-?[0-9]+$/.test(text)) return text;
  return text.startsWith('-') ? MINUS + grouped(text.slice(1)) : grouped(text);
}

/** The sum of texts or units. */
export function add(...amounts) {
  return amounts.reduce((sum, amount) => sum + unitsOf(amount), 0n);
}

/** Below, at or above zero as the first is less than, equal to or more than the second. */
export function compare(a, b) {
  const [left, right] = [unitsOf(a), unitsOf(b)];
  return left < right ? -1 : Number(left > right);
}

/** True if the text or the units are below zero. */
export function isNegative(amount) {
  return unitsOf(amount) < 0n;
}

/** What a person typed, as the API takes it: without spaces. */
export function readInput(text) {
  return String(text).replace(SPACES, '');
}

/** True if what a person typed is an amount that the API takes: above zero, at most 14 digits and 4 decimals. */
export function isValidInput(text) {
  const input = readInput(text);
  return INPUT.test(input) && /[1-9]/.test(input);
}

/** The share of `value` in `max` between 0 and 1, for pixels. Both in the same units. */
export function ratio(value, max) {
  if (max === 0n) return 0;
  return Number((value * 1_000_000n) / max) / 1_000_000;
}

function unitsOf(amount) {
  const units = typeof amount === 'bigint' ? amount : parse(amount);
  if (units === null) throw new TypeError(`no amount: ${amount}`);
  return units;
}

function grouped(digits) {
  return digits.replace(/\B(?=([0-9]{3})+$)/g, GROUP);
}
