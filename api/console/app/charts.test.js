import assert from 'node:assert/strict';
import test from 'node:test';
import { bars, funnel, line, rows } from './charts.js';
import { installFakeDom } from '../../../tests/console/fake-dom.mjs';
import { axis, everyNth, exact, fullText, linePath, niceStep, percent, pixel, shortText, stack } from './scale.js';

installFakeDom();
const plain = (text) => text.replaceAll('\u202f', '_').replaceAll('\u00a0', '~').replaceAll('\u2212', '-');

test('an axis has round steps and holds all values and zero', () => {
  const of = (...values) => axis(values.map(exact));
  assert.deepEqual(of('0.3', '97').ticks.map(shortText), ['0', '25', '50', '75', '100']);
  assert.deepEqual(of('-30', '10').ticks.map((tick) => plain(shortText(tick))), ['-30', '-20', '-10', '0', '10']);
  assert.deepEqual(of('0', '0').ticks.map(shortText), ['0', '1']);
  assert.equal(of('12345678901234.5678').high >= exact('12345678901234.5678'), true);
  assert.equal(niceStep(exact('3')), exact('5'));
  assert.equal(niceStep(exact('0.0021')), exact('0.0025'));
});

test('a value far beyond a double gets the right pixel', () => {
  const scale = { low: 0n, high: exact('90000000000000') };
  assert.equal(pixel(exact('45000000000000.0001'), scale, 100), 50);
  assert.equal(pixel(0n, scale, 100), 100);
  assert.equal(pixel(exact('90000000000000'), scale, 100), 0);
});

test('texts of values are exact in full and short on the axis', () => {
  assert.equal(plain(fullText('1234567.8900')), '1_234_567.89');
  assert.equal(fullText(12), '12');
  assert.deepEqual(['0.25', '999', '1500', '2500000', '3100000000'].map((text) => plain(shortText(exact(text)))), ['0.25', '999', '1.5~k', '2.5~M', '3.1~G']);
  assert.equal(percent(exact(1), exact(3)), '33.3');
  assert.equal(percent(1n, 0n), '0.0');
});

test('paths and stacks', () => {
  assert.equal(linePath([[0, 1], [2.04, 3]]), 'M0 1L2 3');
  assert.equal(linePath([[0, 1], [2, 3]], true), 'M0 1H2V3');
  assert.deepEqual(stack([{ value: 1 }, { value: '-4' }, { value: 2 }]).map(({ from, to }) => [from / exact(1), to / exact(1)]), [[0n, 1n], [1n, 1n], [1n, 3n]]);
  assert.equal(everyNth(30, 600, 80), 4);
});

test('a line chart has a title, a description, axes, and its numbers as a table when opened', () => {
  const { el, update } = line({ label: 'Balance', desc: 'of a wallet', series: [{ label: 'EUR', points: [{ x: 1, y: '10.0000' }, { x: 3, y: '-5.5' }] }], xText: (x) => `day ${x}` });
  const [image] = el.all('svg');
  assert.equal(image.getAttribute('role'), 'img');
  assert.equal(image.all('title')[0].textContent, 'Balance');
  assert.equal(image.all('desc')[0].textContent, 'of a wallet');
  assert.equal(image.getAttribute('aria-labelledby'), image.all('title')[0].getAttribute('id'));
  assert.equal(image.all('path').length, 1);
  const [details] = el.all('details');
  assert.equal(details.all('table').length, 0);
  details.open = true;
  details.listeners.toggle();
  assert.deepEqual(details.all('td').map((cell) => plain(cell.textContent)), ['10', '-5.5']);
  update([{ label: 'EUR', points: [] }]);
  assert.match(image.textContent, /No data/);
  assert.equal(details.all('td').length, 0);
});

test('stacked bars draw each part and name it', () => {
  const { el } = bars({ label: 'Totals', groups: [{ label: 'Mon', parts: [{ label: 'visa', value: '10' }, { label: 'wire', value: '20' }] }, { label: 'Tue', parts: [{ label: 'wire', value: '5' }] }] });
  const [image, ...keys] = el.all('svg');
  assert.equal(image.all('rect').length, 3);
  assert.deepEqual(image.all('rect').map((rect) => rect.getAttribute('class')), ['area s0', 'area s1', 'area s1']);
  assert.equal(keys.length, 2);
  assert.match(image.textContent, /Mon, wire: 20/);
});

test('bars that share a scale are as high as their share of it', () => {
  const height = (most) => Number(bars({ label: 'x', most, groups: [{ label: 'a', parts: [{ label: 'b', value: '10' }] }] }).el.all('rect')[0].getAttribute('height'));
  assert.ok(Math.abs(height('10') / height('20') - 2) < 0.01);
  assert.equal(height('5'), height('10'));
});

test('horizontal bars may have a whole that none of them reaches', () => {
  const bar = rows({ label: 'x', most: '100', items: [{ label: 'a', value: '25' }] }).el.all('rect');
  assert.ok(Math.abs(Number(bar[0].getAttribute('width')) / Number(bar[1].getAttribute('width')) - 4) < 0.01);
});

test('a funnel says the share of the first step, and horizontal bars are as long as their share', () => {
  const { el } = funnel({ label: 'KYC', steps: [{ label: 'sent', value: '200' }, { label: 'done', value: '50' }] });
  assert.match(el.textContent, /50 \(25\.0 %\)/);
  const bar = (n) => Number(el.all('rect').filter((rect) => rect.getAttribute('class') === 'area s0')[n].getAttribute('width'));
  assert.ok(Math.abs(bar(0) / bar(1) - 4) < 0.01);
  assert.equal(rows({ label: 'none', items: [] }).el.all('rect').length, 0);
  assert.equal(funnel({ label: 'zeros', steps: [{ label: 'a', value: 0 }] }).el.all('rect')[1].getAttribute('width'), '0');
});
