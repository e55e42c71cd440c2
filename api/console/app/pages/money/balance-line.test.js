import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurns, pointsOfEntries, rangeStart, reachBack, sampleTimes } from './balance-line.js';

const at = (minute) => `2026-01-31T12:${String(minute).padStart(2, '0')}:00.000000Z`;
const ms = (minute) => Date.parse(at(minute));
const entries = [
  { created_at: at(30), amount: '-99999999999998.9999', balance_after: '0.0001' },
  { created_at: at(20), amount: '99999999999998.0000', balance_after: '99999999999999.0000' },
  { created_at: at(10), amount: '1.0000', balance_after: '1.0000' },
];

test('the line begins with the balance before the first entry and ends level, exactly', () => {
  const points = pointsOfEntries(entries, { fromMs: ms(5), untilMs: ms(40), balance: '0.0000' });
  assert.deepEqual(points.map((point) => point.y), ['0.0000', '1.0000', '99999999999999.0000', '0.0001', '0.0001']);
  assert.deepEqual(points.map((point) => point.x), [ms(5), ms(10), ms(20), ms(30), ms(40)]);
});

test('entries before the range only give its first balance', () => {
  const points = pointsOfEntries(entries, { fromMs: ms(15), untilMs: ms(25), balance: '0.0000' });
  assert.deepEqual(points[0], { x: ms(15), y: '1.0000' });
  assert.deepEqual(pointsOfEntries(entries, { fromMs: ms(35), untilMs: ms(40), balance: '0.0000' }).map((point) => point.y), ['0.0001', '0.0001']);
});

test('a wallet without entries has a level line', () => {
  assert.deepEqual(pointsOfEntries([], { fromMs: 0, untilMs: 9, balance: '0.0000' }), [{ x: 0, y: '0.0000' }, { x: 9, y: '0.0000' }]);
});

test('a range does not begin before the wallet', () => {
  assert.equal(rangeStart('day', ms(0), ms(30)), ms(0));
  assert.equal(rangeStart('day', 0, ms(30)), ms(30) - 86_400_000);
  assert.equal(rangeStart('all', ms(0), ms(30)), ms(0));
});

test('entries reach back if there are no more or the oldest is before the range', () => {
  assert.ok(reachBack({ items: [], next_cursor: null }, 0));
  assert.ok(reachBack({ items: entries, next_cursor: 'x' }, ms(11)));
  assert.ok(!reachBack({ items: entries, next_cursor: 'x' }, ms(10)));
});

test('samples begin exactly with the wallet and end before now', () => {
  const createdAt = '2026-01-31T12:00:00.000999Z';
  const times = sampleTimes({ fromMs: Date.parse(createdAt), untilMs: ms(40), createdAt, count: 4 });
  assert.deepEqual(times, [createdAt, '2026-01-31T12:10:00.000Z', '2026-01-31T12:20:00.000Z', '2026-01-31T12:30:00.000Z']);
});

test('no more than so many run at once, and results stand in order', async () => {
  let running = 0;
  let most = 0;
  const results = await inTurns([5, 4, 3, 2, 1], 2, async (value) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => { setTimeout(resolve, value); });
    running -= 1;
    return value * 10;
  });
  assert.deepEqual(results, [50, 40, 30, 20, 10]);
  assert.equal(most, 2);
  assert.deepEqual(await inTurns([], 2, async () => 1), []);
});
