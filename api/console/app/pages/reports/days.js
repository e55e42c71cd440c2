// Days and months of UTC: the range that a report shows, and how they are written.
import { text } from '../../text.js';
import { utcDay } from '../../time.js';

/** The ranges that have a button: so many days until today, or this month until today. */
export const PRESETS = ['7', '30', '90', 'month'];
const PRESET_FIRST = '30';
/** A range of more days is shown by months. */
const DAYS_MAX = 100;
const DAY_MS = 86_400_000;
/** A gap between months is filled up to so many: one wrong date in a file must not make a chart of a thousand years. */
const MONTHS_MAX = 600;

/** The range that the address names: `{preset, from, to}`; `preset` is null where both days are named. */
export function rangeOf(query, now = Date.now()) {
  const [from, to] = [query.get('from'), query.get('to')];
  if (isDay(from) && isDay(to) && from <= to) return { preset: null, from, to };
  const asked = query.get('range');
  return presetRange(PRESETS.includes(asked) ? asked : PRESET_FIRST, now);
}

/** The days of a preset. */
export function presetRange(preset, now = Date.now()) {
  const to = utcDay(0, now);
  const from = preset === 'month' ? `${to.slice(0, 7)}-01` : utcDay(Number(preset) - 1, now);
  return { preset, from, to };
}

/** True for a day of the calendar, `YYYY-MM-DD`. */
export function isDay(value) {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value ?? '')) return false;
  const ms = Date.parse(value);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(value);
}

/** How many days the range has. */
export function countDays({ from, to }) {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
}

/** True if the range is too long for a bar a day. */
export function isByMonth(range) {
  return countDays(range) > DAYS_MAX;
}

/** Every day of the range, or every month if it is long: what the bars stand for. */
export function slotsOf(range) {
  if (isByMonth(range)) return monthsBetween(range.from.slice(0, 7), range.to.slice(0, 7));
  const first = Date.parse(range.from);
  return Array.from({ length: countDays(range) }, (_, n) => new Date(first + n * DAY_MS).toISOString().slice(0, 10));
}

/** Every month from the first to the last, `YYYY-MM`; only these two where there are too many between them. */
export function monthsBetween(first, last) {
  const [from, to] = [monthNumber(first), monthNumber(last)];
  if (to - from > MONTHS_MAX) return [first, last];
  return Array.from({ length: to - from + 1 }, (_, n) => monthOf(from + n));
}

/** A month as a number that grows by one. */
export function monthNumber(month) {
  const [year, one] = month.split('-').map(Number);
  return year * 12 + one - 1;
}

/** The month of a number. */
export function monthOf(number) {
  return `${String(Math.floor(number / 12)).padStart(4, '0')}-${String((number % 12) + 1).padStart(2, '0')}`;
}

/** The same without the year of a day, for an axis. */
export function dayTick(day) {
  return day.length === 7 ? dayText(day) : new Intl.DateTimeFormat(text.locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(Date.parse(day));
}

/** "5 Jan 2026", or "Jan 2026" for a month. */
export function dayText(day) {
  const options = { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' };
  if (day.length === 7) delete options.day;
  return new Intl.DateTimeFormat(text.locale, options).format(Date.parse(day));
}
