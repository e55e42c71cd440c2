import assert from 'node:assert/strict';
import test from 'node:test';
import { unseen } from './pages/now-latest.js';

const transfer = (id) => ({ data: { id, kind: 'TRANSFER' } });
const idsOf = (events) => events.map(({ data }) => data.id);

test('a transfer that is in the list is not shown again, an event of a wallet is', () => {
  const seen = new Set(['a']);
  assert.deepEqual(idsOf(unseen([transfer('a'), transfer('b'), { data: { id: 'w' } }], seen)), ['b', 'w']);
  assert.deepEqual(idsOf(unseen([transfer('b'), { data: { id: 'w' } }], seen)), ['w']);
});

test('only the newest are shown, and what is remembered does not grow', () => {
  const seen = new Set();
  for (let n = 0; n < 20; n += 1) {
    const events = Array.from({ length: 100 }, (none, k) => transfer(`${n}-${k}`));
    assert.deepEqual(idsOf(unseen(events, seen)), idsOf(events.slice(-10)));
  }
  assert.equal(seen.size, 500);
  assert.deepEqual(unseen([transfer('19-99')], seen), []);
});
