import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usableOf } from './wallet-picker.js';

const wallet = (id, more) => ({ id, user_id: 'u', status: 'ACTIVE', ...more });
const ids = ({ usable, isCut }) => [usable.map(({ id }) => id), isCut];

test('closed wallets and the bank’s own are no choice while there are others', () => {
  const items = [wallet('a', { status: 'CLOSED' }), wallet('b'), wallet('c', { user_id: null })];
  assert.deepEqual(ids(usableOf({ items, next_cursor: null })), [['b'], false]);
  assert.deepEqual(ids(usableOf({ items: items.slice(0, 1), next_cursor: null })), [['a'], false]);
});

test('one open wallet among the first is not the only one if more follow', () => {
  assert.deepEqual(ids(usableOf({ items: [wallet('a', { status: 'CLOSED' }), wallet('b')], next_cursor: 'n' })), [['b'], true]);
});
