import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { KINDS, kindOf, nextPause, percentOf, reasonWords, reasonsOf, sizeText } from './pages/imports/files.js';
import { text } from './text.js';

const sample = (name) => readFileSync(new URL(`../../../samples/${name}.csv`, import.meta.url), 'utf8');

test('a file is known by the columns of its first line, in any order', () => {
  for (const kind of KINDS) assert.equal(kindOf(sample(kind).slice(0, 4096)), kind);
  assert.equal(kindOf('\uFEFF"amount", TYPE,payment_method,timestamp\r\n1,2,3,4'), 'transactions');
  assert.equal(kindOf('timestamp,type,amount\n'), null);
  assert.equal(kindOf(''), null);
});

test('sizes are in the largest unit that fits', () => {
  const plain = (bytes) => sizeText(bytes).replace('\u00a0', ' ');
  assert.deepEqual([0, 999, 1000, 3_978_267, 999_950, 12e9, 5e15].map(plain), ['0 B', '999 B', '1.0 kB', '4.0 MB', '1.0 MB', '12.0 GB', '5000.0 TB']);
});

test('a hundred percent is only the end', () => {
  assert.deepEqual([[0, 10], [999, 1000], [10, 10], [0, 0]].map(([done, total]) => percentOf(done, total)), [0, 99, 100, 100]);
});

test('reasons come most first, each with words', () => {
  assert.deepEqual(reasonsOf({ bad_timestamp: 2, blank_merchant: 9, a_new_one: 2 }).map(({ label }) => label), ['No merchant', 'a_new_one', 'The time cannot be read']);
  const documented = readFileSync(new URL('../../../docs/imports.md', import.meta.url), 'utf8');
  for (const reason of Object.keys(text.imports.reasonWords)) {
    assert.match(documented, new RegExp(`\`${reason}\``));
    assert.notEqual(reasonWords(reason), reason);
  }
});

test('the pauses grow to five seconds', () => {
  const pauses = [];
  for (let ms = null; pauses.length < 12;) pauses.push(ms = nextPause(ms));
  assert.equal(pauses[0], 500);
  assert.equal(pauses.at(-1), 5000);
  assert.ok(pauses.every((ms, n) => n === 0 || ms >= pauses[n - 1]));
});
