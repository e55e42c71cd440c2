import assert from 'node:assert/strict';
import test from 'node:test';
import { before, look } from './pages/events/windows.js';

/** A bank: every event but those of wallets is of a transfer of its own. Counts what is asked. */
function bank(types) {
  const at = (n) => `2026-01-01T00:00:00.${String(n).padStart(6, '0')}Z`;
  const all = types.map((type, n) => ({ id: `e${n}`, type, at: at(n), data: { id: `t${n}` } }));
  const transfers = all.filter(({ type }) => !type.startsWith('wallet.')).map((event) => ({ id: event.data.id, created_at: event.at })).reverse();
  const asked = { events: 0, transfers: 0 };
  const ask = {
    async events({ after, transfer_id: transfer, limit }) {
      asked.events += 1;
      const from = after ? all.findIndex(({ id }) => id === after) + 1 : 0;
      const found = all.slice(from).filter((event) => !transfer || event.data.id === transfer);
      const items = found.slice(0, limit);
      return { items, next_cursor: items.at(-1)?.id ?? after, has_more: found.length > limit };
    },
    async transfers({ to, limit }) {
      asked.transfers += 1;
      const found = transfers.filter((one) => !to || one.created_at < to);
      return { items: found.slice(0, limit), next_cursor: found.length > limit ? 'more' : null };
    },
  };
  return { all, ask, asked };
}

const none = { types: null, wallet: null, transfer: null };
const mixed = (count) => Array.from({ length: count }, (unused, n) => (n % 7 === 3 ? 'wallet.opened' : 'transfer.completed'));

async function everything(ask, filter, bound = null) {
  const ids = [];
  do {
    const found = await look(ask, filter, bound);
    ids.push(...found.items.map(({ id }) => id));
    bound = found.bound;
  } while (bound !== null);
  return ids;
}

test('look after look gives every event once, newest first', async () => {
  for (const count of [0, 1, 49, 50, 58, 59, 60, 400]) {
    const { all, ask } = bank(mixed(count));
    assert.deepEqual(await everything(ask, none), all.map(({ id }) => id).reverse(), String(count));
  }
});

test('the first look reads a little and says where the stream goes on', async () => {
  const { all, ask, asked } = bank(mixed(5000));
  const found = await look(ask, none);
  assert.equal(found.cursor, all.at(-1).id);
  assert.equal(found.items[0].id, all.at(-1).id);
  assert.ok(found.items.length >= 50 && found.items.length < 100);
  assert.ok(asked.events <= 3 && asked.transfers === 1);
});

test('types are chosen, and a rare one is looked for in few windows', async () => {
  const { all, ask, asked } = bank(mixed(20_000).map((type, n) => (n === 5 ? 'transfer.failed' : type)));
  const found = await look(ask, { ...none, types: ['transfer.failed'] });
  assert.deepEqual(found.items, []);
  assert.ok(found.bound !== null && asked.events < 40);
  assert.deepEqual(await everything(ask, { ...none, types: ['transfer.failed'] }), [all[5].id]);
});

test('a time ends the look, with any number of decimals', async () => {
  const { all, ask } = bank(mixed(300));
  assert.deepEqual(await everything(ask, none, before(all[100].at)), all.slice(0, 100).map(({ id }) => id).reverse());
  assert.equal(before('2026-01-01T00:00:00.5Z').at, '2026-01-01T00:00:00.500000Z');
  assert.equal(before('2026-01-01T00:00:00Z').at, '2026-01-01T00:00:00.000000Z');
});

test('of a transfer all is read at once', async () => {
  const { ask, asked } = bank(mixed(300));
  const found = await look(ask, { ...none, transfer: 't8' });
  assert.deepEqual([found.items.map(({ id }) => id), found.bound, asked.transfers], [['e8'], null, 0]);
});

test('what is too long to be turned around is named', async () => {
  const { ask } = bank(Array.from({ length: 4000 }, () => 'wallet.opened'));
  const found = await look(ask, none);
  assert.deepEqual([found.items, found.skipped, found.bound, found.cursor], [[], [''], null, null]);
});
