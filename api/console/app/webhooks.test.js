import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { needsWaiting, planRefresh } from './pages/webhooks/delivery-plan.js';
import { changeBody, idsIn, isEventId, newBody, TYPE_GROUPS } from './pages/webhooks/webhook-body.js';
import { text } from './text.js';

const openapi = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
const hook = { url: 'https://a.example/', description: 'x', types: ['hold.created', 'transfer.failed'], wallet_ids: null, ordered: true, signing: 'hmac' };

test('the types are those of the API, and each has words', () => {
  const { pattern } = openapi.paths['/v1/events'].get.parameters.find(({ name }) => name === 'types').schema;
  const words = /^\^\(([^)]+)\)/.exec(pattern)[1].replaceAll('[.]', '.').split('|').sort();
  assert.deepEqual(Object.values(TYPE_GROUPS).flat().sort(), words);
  for (const word of words) assert.equal(typeof text.eventTypes[word], 'string', word);
});

test('a new webhook leaves out what means all', () => {
  assert.deepEqual(newBody({ ...hook, description: '', types: null }), { url: hook.url, ordered: true, signing: 'hmac' });
  const allowed = Object.keys(openapi.components.schemas.NewWebhook.properties).sort();
  assert.deepEqual(Object.keys(newBody({ ...hook, wallet_ids: ['w'] })).sort(), allowed);
});

test('a change sends what differs, and null takes away', () => {
  assert.deepEqual(changeBody(hook, { ...hook, types: ['transfer.failed', 'hold.created'] }), {});
  assert.deepEqual(changeBody({ ...hook, description: null }, { ...hook, description: '' }), {});
  assert.deepEqual(changeBody(hook, { ...hook, description: '', types: null, ordered: false, wallet_ids: ['w'] }),
    { description: null, types: null, wallet_ids: ['w'], ordered: false });
});

test('ids stand in any order and once', () => {
  assert.deepEqual(idsIn(' A, b\nb;c '), ['a', 'b', 'c']);
  assert.equal(idsIn(' \n'), null);
  assert.ok(isEventId(openapi.components.schemas.Event.example.id) && !isEventId('start'));
});

const delivery = (id, status, more = {}) => ({ id, status, attempts: 1, next_attempt_at: null, response_status: 204, response_excerpt: null, created_at: id, ...more });

test('rows that changed are drawn anew, and newer ones are added', () => {
  const known = [delivery('3', 'pending'), delivery('2', 'delivered')];
  const newest = [delivery('5', 'delivered'), delivery('4', 'parked'), delivery('3', 'delivered'), delivery('2', 'delivered'), delivery('1', 'parked')];
  const plan = planRefresh({ known, newest, waiting: null, status: '' });
  assert.deepEqual([plan.changed.map(({ id }) => id), plan.fresh.map(({ id }) => id), plan.mustReload], [['3'], ['5', '4'], false]);
  assert.deepEqual(planRefresh({ known, newest, waiting: null, status: 'parked' }).fresh.map(({ id }) => id), ['4']);
});

test('an old pending row is asked for, and its end loads the list again', () => {
  const known = [delivery('9', 'delivered'), delivery('1', 'pending')];
  const newest = [delivery('9', 'delivered')];
  assert.ok(needsWaiting(known, newest) && !needsWaiting(known.slice(0, 1), newest));
  const still = { items: [delivery('1', 'pending', { attempts: 2 })], next_cursor: null };
  const plan = planRefresh({ known, newest, waiting: still, status: '' });
  assert.deepEqual([plan.changed.map(({ id }) => id), plan.mustReload], [['1'], false]);
  assert.ok(planRefresh({ known, newest, waiting: { items: [], next_cursor: null }, status: '' }).mustReload);
  assert.ok(!planRefresh({ known, newest, waiting: { items: [], next_cursor: 'x' }, status: '' }).mustReload);
});
