import assert from 'node:assert/strict';
import test from 'node:test';
import { csv, guarded } from './csv.js';

test('cells are quoted where they must be, and amounts stay as they are', () => {
  assert.equal(csv(['day', 'amount'], [['2026-01-05', '90071992547409931.1234'], ['a "b", c', 12n]]),
    'day,amount\r\n2026-01-05,90071992547409931.1234\r\n"a ""b"", c",12\r\n');
  assert.equal(csv(['a'], [[null], ['two\nlines']]), 'a\r\n\r\n"two\nlines"\r\n');
});

test('what may be a formula gets an apostrophe, a number does not', () => {
  for (const text of ['=1+1', '+1', '@SUM(A1)', '-1+2', '\t=1', '\'=1', '＝1']) assert.equal(guarded(text), `'${text}`);
  for (const text of ['', '-1', '-12.5000', '1-1', ' =1']) assert.equal(guarded(text), text);
});
