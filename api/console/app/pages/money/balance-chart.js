// A wallet's balance over time, as a chart with a choice of ranges.
import { at, get } from '../../api.js';
import { line } from '../../charts.js';
import { h } from '../../dom.js';
import { format } from '../../money.js';
import { setQuery } from '../../router.js';
import { text } from '../../text.js';
import { clock, dateTime, shortDay } from '../../time.js';
import { loading } from '../../ui/index.js';
import { RANGES, inTurns, pointsOfEntries, rangeStart, reachBack, sampleTimes } from './balance-line.js';

const t = text.money;
const ENTRIES_MAX = 500;
const SAMPLES = 40;
const AT_ONCE = 4;
const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 330 * DAY_MS;

/** The section; `wallet()` answers the wallet as it is known now. Answers `{el, reload()}`. */
export function balanceChart({ wallet, range: wanted, signal }) {
  let range = Object.hasOwn(RANGES, wanted ?? '') ? wanted : 'month';
  const shown = loading((own) => pointsOf(wallet(), range, own), (answer) => chartOf(wallet(), answer), { signal, lines: 6 });
  const pick = (next) => {
    range = next;
    setQuery({ range }, { replace: true });
    return shown.reload();
  };
  const ranges = h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, t.range), Object.keys(RANGES).map((name) => h('label', null,
    h('input', { type: 'radio', name: 'range', value: name, checked: name === range, on: { change: () => pick(name) } }), h('span', null, t.ranges[name]))));
  const el = h('section', { 'aria-labelledby': 'balance' }, h('div', { class: 'section-head' }, h('h2', { id: 'balance' }, t.balanceOverTime), ranges), shown);
  return { el, reload: shown.reload };
}

/** Exact where one page of entries reaches back far enough, else samples. */
async function pointsOf(wallet, range, signal) {
  const createdMs = Date.parse(wallet.created_at);
  const untilMs = Math.max(Date.now(), Date.parse(wallet.updated_at));
  const fromMs = rangeStart(range, createdMs, untilMs);
  const entries = await get(at`/v1/wallets/${wallet.id}/entries`, { limit: ENTRIES_MAX }, { signal });
  if (reachBack(entries, fromMs)) return { points: pointsOfEntries(entries.items, { fromMs, untilMs, balance: wallet.balance }), isExact: true };
  const times = sampleTimes({ fromMs, untilMs, createdAt: wallet.created_at, count: SAMPLES });
  const samples = await inTurns(times, AT_ONCE, (time) => get(at`/v1/wallets/${wallet.id}/balance`, { at: time }, { signal }));
  const points = samples.map((sample, n) => ({ x: Date.parse(times[n]), y: sample.balance }));
  return { points: [...points, { x: untilMs, y: entries.items[0]?.balance_after ?? wallet.balance }], isExact: false };
}

/** The time of a short range, the day of a long one. */
function tickText(ms, points) {
  const span = points.at(-1).x - points[0].x;
  return span <= DAY_MS ? clock(ms) : shortDay(ms, span > YEAR_MS);
}

function chartOf(wallet, { points, isExact }) {
  const desc = isExact ? t.balanceExact(wallet.currency) : t.balanceSampled(wallet.currency, SAMPLES);
  const chart = line({
    label: t.balanceOverTime, desc, series: [{ label: wallet.currency, points }], isStep: true, height: 220, tickText: (ms) => tickText(ms, points),
    xText: (ms) => dateTime(new Date(ms).toISOString()), yText: (value) => format(value, wallet.currency),
  });
  return h('div', { class: 'stack' }, chart, isExact ? null : h('p', { class: 'muted' }, t.sampledNote(SAMPLES)));
}
