// Daily totals: deposits and withdrawals by payment method, as stacked bars and as tables. The range is in the address.
import { get, reportJson } from '../../api.js';
import * as charts from '../../charts.js';
import { h, mount, uid } from '../../dom.js';
import { format, formatCount } from '../../money.js';
import { link, setQuery } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { utcDay } from '../../time.js';
import { field, filterForm, loading, moneyText, pageHeader, table, tile, tiles } from '../../ui/index.js';
import { csvButton } from './csv-button.js';
import { PRESETS, countDays, dayText, dayTick, isByMonth, presetRange, rangeOf } from './days.js';
import { SIDES, barsOf, csvRows, daysOf, highestOf, methodsOf, sumOf } from './totals.js';

const t = text.reports;
const ROWS_MAX = 50;
const HEAD = ['day', 'type', 'payment_method', 'currency', 'amount'];

export const page = { title: text.nav.daily, permission: 'reports:read', render };

function render({ query, signal }) {
  const asked = { range: rangeOf(query), currency: (query.get('currency') ?? '').toUpperCase() };
  const report = loading(async (own) => {
    const { range, currency } = asked;
    const { data } = await reportJson('/stats', { from_date: range.from, to_date: range.to, currency }, { signal: own });
    return { data, range, currency };
  }, (answer) => shown(answer, signal), { signal, lines: 12 });
  const ask = (next) => {
    Object.assign(asked, next);
    const { range, currency } = asked;
    setQuery({ range: range.preset, from: range.preset ? null : range.from, to: range.preset ? null : range.to, currency }, { replace: true });
    return report.reload();
  };
  return h('div', null, pageHeader({ title: text.nav.daily, sub: t.dailySub }), picker(asked, ask, signal), report);
}

/** The buttons of the usual ranges, and the fields for any other. */
function picker(asked, ask, signal) {
  const known = h('datalist', { id: uid('l') });
  nameCurrencies(known, signal);
  const from = field({ name: 'from', label: t.from, type: 'date', required: true, value: asked.range.from, max: utcDay() });
  const to = field({ name: 'to', label: t.to, type: 'date', required: true, value: asked.range.to, check: (day) => (day < from.value ? t.endsBefore : null) });
  const currency = field({ name: 'currency', label: t.currency, placeholder: t.ownPlaceholder, plain: true, value: asked.currency, maxlength: 3,
    list: known.id, autocomplete: 'off', check: (code) => (/^[A-Za-z]{3}$/.test(code) ? null : t.badCurrency) });
  const pick = (preset) => {
    const range = presetRange(preset);
    from.value = range.from;
    to.value = range.to;
    ask({ range });
  };
  const radios = PRESETS.map((preset) => h('input', { type: 'radio', name: 'range', value: preset, checked: preset === asked.range.preset,
    on: { change: () => pick(preset) } }));
  const dates = filterForm({
    fields: [from, to, currency], content: [from, to, currency, known], summary: t.filter, signal, submit: t.show, label: t.filter, hasClear: false,
    onSubmit(values) {
      const isSame = values.from === asked.range.from && values.to === asked.range.to;
      const range = isSame ? asked.range : { preset: null, from: values.from, to: values.to };
      for (const radio of radios) radio.checked = radio.value === range.preset;
      currency.value = values.currency.toUpperCase();
      return ask({ range, currency: values.currency.toUpperCase() });
    },
  });
  return h('section', { 'aria-label': t.days }, h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, t.days),
    radios.map((radio) => h('label', null, radio, h('span', null, t.presets[radio.value])))), dates);
}

/** The currencies that the field proposes. Without them it takes any three letters. */
async function nameCurrencies(list, signal) {
  try {
    const { items } = await get('/v1/currencies', null, { signal });
    mount(list, items.map(({ code, name }) => h('option', { value: code }, name)));
  } catch {
    // The field works without proposals.
  }
}

function shown({ data, range, currency }, signal) {
  const days = daysOf(data);
  if (days.length === 0) return nothing();
  const methods = methodsOf(data);
  const [from, to] = [dayText(range.from), dayText(range.to)];
  const [deposits, withdrawals] = SIDES.map((side) => barsOf(data, side, { range, methods, others: t.others, label: dayText, tick: dayTick }));
  const most = highestOf([...deposits, ...withdrawals]);
  const chart = (side, groups, desc) => charts.bars({ label: t[side], desc: desc(from, to), yText: (value) => format(value), groups, most });
  const name = ['florin-daily', range.from, range.to, currency].filter(Boolean).join('-');
  const csv = csvButton(text.nav.daily, name, () => ({ head: HEAD, rows: csvRows(data, currency) }));
  return [
    h('section', { 'aria-labelledby': 'totals' }, h('div', { class: 'section-head' }, h('h2', { id: 'totals' }, t.totals(from, to)), csv), sums(days, range, currency)),
    h('div', { class: 'split' },
      h('section', { 'aria-labelledby': 'deposits' }, h('h2', { id: 'deposits' }, t.deposits), chart('deposits', deposits, t.depositsDesc)),
      h('section', { 'aria-labelledby': 'withdrawals' }, h('h2', { id: 'withdrawals' }, t.withdrawals), chart('withdrawals', withdrawals, t.withdrawalsDesc))),
    isByMonth(range) ? h('p', { class: 'muted' }, t.byMonth) : null,
    h('section', null, methodTable(methods, currency, signal)),
    h('section', null, dayTable(days, currency, signal)),
  ];
}

function nothing() {
  return h('div', { class: 'empty' }, h('p', null, t.noTotals), h('p', null, t.noTotalsHint),
    h('p', { class: 'actions' }, can('deposits:write') ? link('/transfers/new', t.toDeposit) : null, can('imports:write') ? link('/imports', t.toImports) : null));
}

function sums(days, range, currency) {
  const [came, went] = [sumOf(days, 'deposits'), sumOf(days, 'withdrawals')];
  const money = (label, value) => tile({ label, value: [format(value), ...(currency ? [' ', h('small', null, currency)] : [])], sub: currency ? '' : t.ownCurrency });
  return tiles(money(t.deposits, came), money(t.withdrawals, went), money(t.difference, came - went),
    tile({ label: t.activeDays, value: formatCount(days.length), sub: t.activeOf(formatCount(countDays(range))) }));
}

function methodTable(methods, currency, signal) {
  return table({ caption: t.byMethod, items: methods, signal, columns: [{ label: t.method, rowHeader: true, cell: (one) => one.method }, ...amounts(currency)] });
}

function dayTable(days, currency, signal) {
  const load = async (cursor) => {
    const from = cursor ?? 0;
    return { items: days.slice(from, from + ROWS_MAX), next_cursor: from + ROWS_MAX < days.length ? from + ROWS_MAX : null };
  };
  const day = { label: t.day, rowHeader: true, cell: (one) => h('time', { datetime: one.day }, dayText(one.day)) };
  return table({ caption: t.byDay, load, signal, columns: [day, ...amounts(currency)] });
}

function amounts(currency) {
  const column = (label, value) => ({ label, align: 'end', cell: (one) => moneyText(value(one), currency) });
  return [column(t.deposits, (one) => one.deposits), column(t.withdrawals, (one) => one.withdrawals), column(t.difference, (one) => one.deposits - one.withdrawals)];
}
