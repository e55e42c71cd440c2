// Times for people: in the reader's zone, with UTC in the title.
import { h } from './dom.js';
import { text } from './text.js';

const DATE_TIME = { day: '2-digit', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' };
const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30], ['month', 12], ['year', Infinity]];
const UPDATE_MS = 10_000;
let updates = 0;

/** A `<time>` with date and time; an empty mark where there is none. */
export function show(iso) {
  return made(iso, dateTime(iso));
}

/** A `<time>` that says how long ago, and keeps saying it. */
export function ago(iso) {
  const el = made(iso, relative(iso));
  if (iso && updates === 0) updates = setInterval(update, UPDATE_MS);
  el.dataset.ago = 'yes';
  return el;
}

/** How long ago or ahead, in words: "3 minutes ago". */
export function relative(iso, now = Date.now()) {
  const ms = Date.parse(iso ?? '');
  if (Number.isNaN(ms)) return text.none;
  let distance = Math.round((ms - now) / 1000);
  for (const [unit, length] of STEPS) {
    if (Math.abs(distance) < length) return relativeFormat().format(distance, unit);
    distance = Math.round(distance / length);
  }
  return dateTime(iso);
}

/** Date and time as text. */
export function dateTime(iso) {
  const ms = Date.parse(iso ?? '');
  return Number.isNaN(ms) ? text.none : dateTimeFormat().format(ms);
}

/** The time of day, for an axis: "14:05". */
export function clock(ms) {
  formats.clock ??= new Intl.DateTimeFormat(text.locale, { hour: '2-digit', minute: '2-digit' });
  return formats.clock.format(ms);
}

/** The day, for an axis: "5 Jan", or with its year. */
export function shortDay(ms, hasYear = false) {
  const name = hasYear ? 'yearDay' : 'shortDay';
  formats[name] ??= new Intl.DateTimeFormat(text.locale, { day: 'numeric', month: 'short', ...(hasYear ? { year: 'numeric' } : {}) });
  return formats[name].format(ms);
}

/** A span of seconds in words: "3 d 4 h". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(Number(seconds)));
  const parts = [[text.time.d, Math.floor(whole / 86_400)], [text.time.h, Math.floor(whole / 3600) % 24],
    [text.time.min, Math.floor(whole / 60) % 60], [text.time.s, whole % 60]];
  const first = parts.findIndex(([, count]) => count > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown.filter(([, count], at) => at === 0 || count > 0).map(([unit, count]) => `${count}\u00a0${unit}`).join(' ');
}

/** The value of `<input type="datetime-local">` or `type="date"` (local time) as the API takes it; null where it is empty. */
export function toIso(local) {
  if (!local) return null;
  const time = new Date(local.length === 10 ? `${local}T00:00` : local);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** A time of the API as the value of `<input type="datetime-local">`. */
export function toLocalInput(iso) {
  const time = new Date(iso ?? '');
  return Number.isNaN(time.getTime()) ? '' : `${day(time)}T${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** The UTC day (YYYY-MM-DD) so many days before today, for the daily totals. */
export function utcDay(daysAgo = 0, now = Date.now()) {
  return new Date(now - daysAgo * 86_400_000).toISOString().slice(0, 10);
}

let formats = {};
function dateTimeFormat() {
  return (formats.dateTime ??= new Intl.DateTimeFormat(text.locale, DATE_TIME));
}

function relativeFormat() {
  return (formats.relative ??= new Intl.RelativeTimeFormat(text.locale, { numeric: 'auto' }));
}

function made(iso, shown) {
  if (!iso) return h('span', { class: 'none' }, text.none);
  return h('time', { datetime: iso, title: `${iso.replace('T', ' ').replace(/Z$/, '')} UTC\n${dateTime(iso)}` }, shown);
}

function update() {
  for (const el of document.querySelectorAll('time[data-ago]')) el.textContent = relative(el.getAttribute('datetime'));
}

function day(time) {
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

function two(number) {
  return String(number).padStart(2, '0');
}
