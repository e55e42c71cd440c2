// What the console knows about files and imports without asking: sizes, kinds by their columns, shares, reasons. Pure.
import { h } from '../../dom.js';
import { text } from '../../text.js';

/** The columns of each kind, as docs/imports.md has them; `sleep_ms` of transactions is only for a replay. */
export const COLUMNS = {
  activities: ['event_id', 'merchant_id', 'event_timestamp', 'product', 'event_type', 'amount', 'status', 'channel', 'region', 'merchant_tier'],
  transactions: ['timestamp', 'type', 'payment_method', 'amount'],
};
export const KINDS = Object.keys(COLUMNS);
export const STATUSES = ['RUNNING', 'COMPLETED', 'FAILED'];
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 5000;
const STEP = 1.3;

/** The kind whose columns a file's beginning has, or null. */
export function kindOf(beginning) {
  const [first] = beginning.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/, 1);
  const names = new Set(first.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1').trim().toLowerCase()));
  return KINDS.find((kind) => COLUMNS[kind].every((name) => names.has(name))) ?? null;
}

/** A size in the largest unit that fits: "12.3 MB". */
export function sizeText(bytes) {
  let size = bytes;
  let unit = 0;
  while (size >= 999.95 && unit < text.imports.units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)}\u00a0${text.imports.units[unit]}`;
}

/** A file's name that may break behind its marks. */
export function fileName(name) {
  return name.split(/(?<=[_.-])/).flatMap((part, n) => (n === 0 ? [part] : [h('wbr'), part]));
}

/** Whole percent, 100 only at the end. */
export function percentOf(done, total) {
  return total <= 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}

/** The reasons with their counts, most first: `[{reason, label, value}]`. */
export function reasonsOf(skipReasons) {
  return Object.entries(skipReasons).map(([reason, value]) => ({ reason, label: reasonWords(reason), value }))
    .sort((a, b) => b.value - a.value || (a.reason < b.reason ? -1 : 1));
}

/** A reason for people. */
export function reasonWords(reason) {
  return text.imports.reasonWords[reason] ?? reason;
}

/** How long to wait after a pause of so many milliseconds. */
export function nextPause(ms) {
  return ms === null ? PAUSE_MIN_MS : Math.min(PAUSE_MAX_MS, Math.round(ms * STEP));
}
