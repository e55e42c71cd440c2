import assert from 'node:assert/strict';
import test from 'node:test';
import { add, compare, format, formatCount, isValidInput, parse, ratio, readInput, toText } from './money.js';

const plain = (text) => text.replaceAll('\u202f', '_').replaceAll('\u00a0', '~').replaceAll('\u2212', '-');

test('an amount beyond a double keeps its last decimal', () => {
  const text = '99999999999999.9999';
  assert.equal(parse(text), 999999999999999999n);
  assert.equal(toText(parse(text)), text);
  assert.equal(plain(format(text)), '99_999_999_999_999.9999');
  assert.equal(toText(add(text, '-0.0001')), '99999999999999.9998');
});

test('what is no decimal, or is finer than the scale, has no units', () => {
  for (const bad of ['', '1e3', '1,5', '.5', '5.', 'x', '1.00001', '--1', null, undefined]) assert.equal(parse(bad), null, String(bad));
  assert.equal(parse('1.00000'), 10000n);
  assert.equal(parse('-0.5'), -5000n);
  assert.equal(toText(-5000n), '-0.5000');
  assert.equal(toText(7n, 0), '7');
});

test('people read groups, four decimals, and further ones that are not zero', () => {
  assert.equal(plain(format('1234.5', 'USD')), '1_234.5000~USD');
  assert.equal(plain(format('-1000.0')), '-1_000.0000');
  assert.equal(plain(format(15n)), '0.0015');
  assert.equal(plain(format('0.1234567')), '0.1234567');
  assert.equal(format(null), '');
  assert.equal(plain(formatCount('1234567')), '1_234_567');
  assert.equal(plain(formatCount(12n)), '12');
});

test('an input is what the API takes, with or without spaces', () => {
  for (const good of ['1', '1 234.50', '0.0001', '99999999999999.9999', ' 5 ']) assert.ok(isValidInput(good), good);
  for (const bad of ['', '0', '0.0000', '01', '1,5', '-1', '1.23456', '100000000000000', '1e2', '+1']) assert.ok(!isValidInput(bad), bad);
  assert.equal(readInput('1\u202f234.5 '), '1234.5');
});

test('amounts are compared exactly', () => {
  assert.equal(compare('0.1000', '0.1'), 0);
  assert.equal(compare('-1', '1'), -1);
  assert.equal(compare('90000000000000.0001', '90000000000000.0000'), 1);
  assert.throws(() => compare('x', '1'), TypeError);
  assert.equal(ratio(1n, 4n), 0.25);
  assert.equal(ratio(1n, 0n), 0);
});
