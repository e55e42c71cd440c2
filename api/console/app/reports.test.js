import assert from 'node:assert/strict';
import test from 'node:test';
import { parseExact } from './json.js';
import { countDays, dayText, isByMonth, isDay, monthsBetween, presetRange, rangeOf, slotsOf } from './pages/reports/days.js';
import { countsOf, grouped, monthPoints } from './pages/reports/figures.js';
import { barsOf, csvRows, daysOf, methodsOf, sumOf } from './pages/reports/totals.js';

const NOW = Date.parse('2026-03-05T23:30:00Z');
const plain = (text) => text.replaceAll('\u202f', '_');
const BIG = '90071992547409931.1234';
const DATA = parseExact(`{"2026-01-01":{"deposits":{"visa":${BIG},"wire":0.5},"withdrawals":{}},
  "2026-01-03":{"deposits":{"visa":1.0},"withdrawals":{"cash":2.25,"constructor":3}}}`);

test('the address names a range by its days or by a preset; what is no range is 30 days', () => {
  const of = (query) => Object.values(rangeOf(new URLSearchParams(query), NOW));
  assert.deepEqual(of(''), ['30', '2026-02-04', '2026-03-05']);
  assert.deepEqual(of('range=7'), ['7', '2026-02-27', '2026-03-05']);
  assert.deepEqual(of('range=month'), ['month', '2026-03-01', '2026-03-05']);
  assert.deepEqual(of('range=toString'), ['30', '2026-02-04', '2026-03-05']);
  assert.deepEqual(of('from=2026-01-01&to=2026-01-31&range=7'), [null, '2026-01-01', '2026-01-31']);
  for (const wrong of ['from=2026-02-30&to=2026-03-01', 'from=2026-02-02&to=2026-02-01', 'from=2026-02-02']) assert.equal(of(wrong)[0], '30');
  assert.equal(countDays(presetRange('90', NOW)), 90);
  assert.deepEqual(['2026-02-28', '2026-02-30', '2026-2-3', '', null].map(isDay), [true, false, false, false, false]);
});

test('a long range is shown by months, and every day or month has its place', () => {
  assert.deepEqual(slotsOf({ from: '2026-02-27', to: '2026-03-02' }), ['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02']);
  assert.equal(isByMonth({ from: '2026-01-01', to: '2026-04-10' }), false);
  assert.deepEqual(slotsOf({ from: '2025-11-15', to: '2026-02-28' }), ['2025-11', '2025-12', '2026-01', '2026-02']);
  assert.deepEqual(monthsBetween('0001-01', '9999-12'), ['0001-01', '9999-12']);
  assert.deepEqual([dayText('2026-01-05'), dayText('2026-01')], ['5 Jan 2026', 'Jan 2026']);
});

test('sums are exact far beyond a double', () => {
  assert.deepEqual(methodsOf(DATA).map((one) => one.method), ['visa', 'constructor', 'cash', 'wire']);
  assert.equal(methodsOf(DATA)[0].deposits, 900719925474099321234n);
  const days = daysOf(DATA);
  assert.deepEqual(days.map(({ day }) => day), ['2026-01-03', '2026-01-01']);
  assert.equal(sumOf(days, 'deposits'), 900719925474099326234n);
  assert.equal(sumOf(days, 'withdrawals'), 52500n);
});

test('the file has the texts of the bank', () => {
  assert.deepEqual(csvRows(DATA, 'EUR'), [['2026-01-01', 'deposits', 'visa', 'EUR', BIG], ['2026-01-01', 'deposits', 'wire', 'EUR', '0.5'],
    ['2026-01-03', 'deposits', 'visa', 'EUR', '1.0'], ['2026-01-03', 'withdrawals', 'cash', 'EUR', '2.25'], ['2026-01-03', 'withdrawals', 'constructor', 'EUR', '3']]);
});

test('bars have a place for each day, the first all methods, and those beyond eight are one part', () => {
  const options = (methods) => ({ range: { from: '2026-01-01', to: '2026-01-03' }, methods, others: (count) => `${count} others`, label: (day) => day.slice(-2) });
  const groups = barsOf(DATA, 'withdrawals', options(methodsOf(DATA)));
  assert.deepEqual(groups.map(({ label, parts }) => [label, parts.length]), [['01', 4], ['02', 0], ['03', 2]]);
  assert.deepEqual(groups[2].parts, [{ label: 'constructor', value: '3.0000' }, { label: 'cash', value: '2.2500' }]);
  const many = { '2026-01-01': { deposits: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`m${n}`, String(10 - n)])), withdrawals: {} } };
  const [first] = barsOf(many, 'deposits', options(methodsOf(many)));
  assert.deepEqual(first.parts.at(-1), { label: '3 others', value: '6.0000' });
  assert.equal(first.parts.length, 8);
});

test('months between that are left out had no merchant', () => {
  assert.deepEqual(monthPoints(parseExact('{"2025-12":7,"2026-02":9}')).map(({ y }) => y), ['7', '0', '9']);
  assert.deepEqual(monthPoints({}), []);
});

test('figures keep the decimals that the bank wrote', () => {
  assert.deepEqual(['98765432.10', '1234', '0.5'].map((value) => plain(grouped(value))), ['98_765_432.10', '1_234', '0.5']);
  assert.deepEqual(countsOf({ success: '40', failed: '2', pending: '1' }), { ended: 42n, failed: 2n, all: 43n });
});
