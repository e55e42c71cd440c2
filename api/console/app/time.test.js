import assert from 'node:assert/strict';
import test from 'node:test';
import { installFakeDom } from '../../../tests/console/fake-dom.mjs';
import { duration, relative, show, toIso, toLocalInput, utcDay } from './time.js';

process.env.TZ = 'Asia/Kolkata';
installFakeDom();
const NOW = Date.parse('2026-01-05T12:00:00Z');

test('how long ago is said in the largest unit that fits', () => {
  const said = (iso) => relative(iso, NOW);
  assert.equal(said('2026-01-05T11:59:30.250000Z'), '30 seconds ago');
  assert.equal(said('2026-01-05T11:57:00Z'), '3 minutes ago');
  assert.equal(said('2026-01-05T14:00:00Z'), 'in 2 hours');
  assert.equal(said('2026-01-04T12:00:00Z'), 'yesterday');
  assert.equal(said('2020-01-05T12:00:00Z'), '6 years ago');
  assert.equal(said(null), '–');
});

test('a time shows the reader’s zone and has UTC in its title', () => {
  const el = show('2026-01-05T03:33:58.250000Z');
  assert.match(el.textContent, /09:03:58/);
  assert.match(el.getAttribute('title'), /^2026-01-05 03:33:58\.250000 UTC/);
  assert.equal(el.getAttribute('datetime'), '2026-01-05T03:33:58.250000Z');
  assert.equal(show(null).textContent, '–');
});

test('what a person picks is local time, and goes out as UTC', () => {
  assert.equal(toIso('2026-01-05T05:30'), '2026-01-05T00:00:00.000Z');
  assert.equal(toIso('2026-01-05'), '2026-01-04T18:30:00.000Z');
  assert.equal(toIso(''), null);
  assert.equal(toIso('nonsense'), null);
  assert.equal(toLocalInput('2026-01-05T00:00:00Z'), '2026-01-05T05:30');
  assert.equal(toLocalInput(''), '');
  assert.equal(utcDay(1, NOW), '2026-01-04');
});

test('a span has two units at most', () => {
  const said = (seconds) => duration(seconds).replaceAll('\u00a0', '');
  assert.deepEqual([0, 59, 60, 3661, 86_400, 90_000, 200_000].map(said), ['0s', '59s', '1min', '1h 1min', '1d', '1d 1h', '2d 7h']);
});
