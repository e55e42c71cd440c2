// What moves now: the rolling 60 seconds of one currency as a stream, of the others by asking; how the bank is; what just
// happened. One stream only, since a browser has few connections.
import { get, reportJson } from '../api.js';
import * as charts from '../charts.js';
import { h, mount } from '../dom.js';
import { isAbort } from '../http.js';
import { parseExact } from '../json.js';
import { poll, stream } from '../live.js';
import { format, formatCount, toText } from '../money.js';
import { query, setQuery } from '../router.js';
import { text } from '../text.js';
import { badge, errorBox, loading, pageHeader, table, tile, tiles } from '../ui/index.js';
import { health } from './now-health.js';
import { latest } from './now-latest.js';

const t = text.now;
/** Points of the moving line: five minutes. */
const POINTS_MAX = 300;
const OTHERS_MS = 5000;
/** Currencies that are asked for again and again. */
const CURRENCIES_MAX = 8;
const FIGURES = ['count', 'sum', 'avg', 'max', 'min'];

export const page = { title: t.title, permission: 'reports:read', render };

function render({ signal }) {
  const state = h('span', { class: 'live-state', role: 'status' });
  const figures = loading((own) => currencies(own), (codes) => figuresOf(codes, state, signal), { signal, lines: 10 });
  return h('div', { class: 'now' }, pageHeader({ title: t.title, sub: [t.sub, ' ', state] }), figures,
    h('div', { class: 'split' }, health(signal), latest(signal)));
}

/** The currencies of the newest wallets; a bank without wallets has none. */
async function currencies(signal) {
  const { items } = await get('/v1/wallets', { limit: 500 }, { signal });
  const counts = new Map();
  for (const { currency } of items) counts.set(currency, (counts.get(currency) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([code]) => code).slice(0, CURRENCIES_MAX);
}

function figuresOf(codes, state, signal) {
  if (codes.length === 0) return h('p', { class: 'empty' }, t.noCurrency);
  const asked = query().get('currency');
  const chosen = codes.includes(asked) ? asked : codes[0];
  const place = h('div', { class: 'figures' });
  let round = null;
  const choose = (code) => {
    round?.abort();
    round = new AbortController();
    mount(place, moving(code, state, AbortSignal.any([signal, round.signal])));
  };
  choose(chosen);
  return h('section', { 'aria-labelledby': 'figures' }, h('div', { class: 'section-head' }, h('h2', { id: 'figures' }, t.figures),
    codes.length > 1 ? picker(codes, chosen, choose) : h('span', { class: 'muted' }, chosen)), place, codes.length > 1 ? others(codes, signal) : null);
}

function picker(codes, chosen, choose) {
  const pick = (code) => {
    setQuery({ currency: code }, { replace: true });
    choose(code);
  };
  return h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, t.currencies), codes.map((code) => h('label', null,
    h('input', { type: 'radio', name: 'currency', value: code, checked: code === chosen, on: { change: () => pick(code) } }), h('span', null, code))));
}

/** The tiles and the line of one currency, moved by its stream. */
function moving(code, state, signal) {
  const shown = Object.fromEntries(FIGURES.map((name) => [name, tile({ label: t[name] })]));
  const points = [];
  const chart = charts.line({ label: t.rate, desc: t.rateDesc(code), series: [{ label: code, points }], height: 160, xText: clockText });
  const rate = h('p', { class: 'muted' });
  const take = ({ data }) => {
    const figures = parseExact(data);
    for (const name of FIGURES) shown[name].set(name === 'count' ? formatCount(figures[name]) : [format(figures[name]), ' ', h('small', null, code)]);
    const perSecond = rateOf(figures.count);
    points.push({ x: Date.now(), y: perSecond });
    if (points.length > POINTS_MAX) points.shift();
    chart.update([{ label: code, points }]);
    mount(rate, t.rateSub(perSecond));
  };
  const box = h('div', { class: 'stack' }, tiles(FIGURES.map((name) => shown[name])), h('div', { class: 'section-head' }, h('h3', null, t.rate), rate), chart);
  follow(code, take, state, signal).catch((error) => {
    if (!isAbort(error)) mount(box, errorBox(error, { signal }));
  });
  return box;
}

function follow(code, take, state, signal) {
  mount(state, badge('pending', { label: t.lost }));
  const onState = (word) => mount(state, word === 'open' ? badge('ok', { label: t.live }) : badge('pending', { label: t.lost }));
  return stream('/statistics/stream', { params: { currency: code }, onEvent: take, onState, signal }).catch((error) => {
    mount(state, badge('away', { label: t.paused }));
    throw error;
  });
}

/** Transactions a second with two decimals, from the exact count of a minute. */
function rateOf(count) {
  return toText((BigInt(count) * 100n + 30n) / 60n, 2);
}

function clockText(ms) {
  return new Date(ms).toLocaleTimeString(text.locale);
}

/** The figures of all currencies, side by side. */
function others(codes, signal) {
  const place = h('div', null);
  const draw = (rows) => table({
    caption: t.all, items: rows, signal,
    columns: [{ label: t.currencies, rowHeader: true, cell: (row) => row.code },
      ...FIGURES.map((name) => ({ label: t[name], align: 'end', isLead: name === 'sum', cell: (row) => (name === 'count' ? formatCount(row[name]) : format(row[name])) }))],
  });
  const ask = async () => {
    const answers = await Promise.all(codes.map((currency) => reportJson('/statistics', { currency }, { signal })));
    mount(place, draw(answers.map((answer, n) => ({ code: codes[n], ...answer }))));
  };
  mount(place, draw(codes.map((code) => ({ code, count: '', sum: '', avg: '', max: '', min: '' }))));
  poll(ask, OTHERS_MS, signal).catch((error) => {
    if (!isAbort(error)) mount(place, errorBox(error, { signal }));
  });
  return place;
}
