import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { agentOf } from './pages/own/agent.js';
import { actsOn, changesOf, isId, keptTime, keyBody, linesOf, listFaults, meantUser } from './pages/people/rules.js';
import { grantable, may } from './permissions.js';
import { text } from './text.js';
import { toIso, toLocalInput } from './time.js';

const t = text.people;
const person = (role, status = 'active', id = 'p') => ({ id, role, status });
/** The names of the acts that a role may do to the person. */
const acts = (role, whom, id = 'me') => Object.entries(actsOn(whom, { id }, (word) => may(role, word))).filter(([, is]) => is).map(([name]) => name);

test('only what the bank would do to a person is offered', () => {
  assert.deepEqual(acts('support', person('customer')), ['suspend', 'reset']);
  assert.deepEqual(acts('operator', person('customer', 'suspended')), ['activate']);
  assert.deepEqual(acts('admin', person('operator')), ['suspend', 'reset', 'role', 'erase']);
  assert.deepEqual(acts('operator', person('support')), [], 'staff are the admins’ matter');
  assert.deepEqual(acts('auditor', person('customer')), []);
  assert.deepEqual(acts('admin', person('admin', 'active', 'me')), [], 'nobody acts on themselves');
  assert.deepEqual(acts('admin', person('customer', 'erased')), [], 'an erased person is changed no more');
});

test('a line of the audit log is told value by value', () => {
  assert.deepEqual(changesOf({ status: 'active' }, { status: 'suspended', sessions_ended: 2 }),
    [{ name: 'status', before: 'active', after: 'suspended' }, { name: 'sessions_ended', before: null, after: '2' }]);
  assert.deepEqual(changesOf(null, { limits: { per_transfer: '5.0000', per_day_amount: null }, types: ['a', 'b'], steps: [{ n: 1 }] }), [
    { name: 'limits.per_transfer', before: null, after: '5.0000' }, { name: 'limits.per_day_amount', before: null, after: null },
    { name: 'types', before: null, after: 'a, b' }, { name: 'steps', before: null, after: '[{"n":1}]' }]);
  assert.deepEqual(changesOf(null, null), []);
});

test('a key without chosen wallets and addresses has no such limits', () => {
  const values = { name: 'n', scopes: ['wallets:read'], wallet_ids: [], addresses: linesOf(' 192.0.2.7,\n2001:db8::/32\n') };
  assert.deepEqual(keyBody(values, null), { name: 'n', scopes: ['wallets:read'], addresses: ['192.0.2.7', '2001:db8::/32'] });
  assert.equal(keyBody(values, '2026-01-05T00:00:00.000Z').expires_at, '2026-01-05T00:00:00.000Z');
  assert.deepEqual(linesOf(' \n'), []);
});

test('a refused value of a list is named', () => {
  const errors = [{ field: 'addresses[1]', message: 'must be an IP address' }, { field: 'name', message: 'must be short' }, { field: 'scopes[9]', message: 'x' }];
  assert.deepEqual(listFaults(errors, { addresses: ['a', 'b'], scopes: [] }), [{ name: 'addresses', value: 'b', message: 'must be an IP address' }]);
});

test('a text means the user with exactly that address, or the only one found', () => {
  const [ana, anna] = [{ email: 'ana@example.com' }, { email: 'ana@example.com.au' }];
  assert.equal(meantUser('Ana@Example.com', [anna, ana]), ana);
  assert.equal(meantUser('an', [ana, anna]), null);
  assert.equal(meantUser('ann', [anna]), anna);
  assert.equal(meantUser('x', []), null);
});

test('a time of the address keeps its seconds until its field is changed', () => {
  const time = { toIso, toLocalInput };
  const before = '2026-01-05T10:20:30.250000Z';
  assert.equal(keptTime(toLocalInput(before), before, time), before);
  assert.equal(keptTime('2026-01-05T10:21', before, time), toIso('2026-01-05T10:21'));
  assert.equal(keptTime('', before, time), '');
  assert.equal(keptTime('', 'nonsense', time), '', 'what is no time is not kept');
});

test('ids are told from names', () => {
  assert.ok(isId('01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01'));
  for (const other of ['ana', '', '01993f2a-5c00-7a10-8f3b-6d1c0e5a9b0', 'ana@example.com']) assert.ok(!isId(other), other);
});

test('every scope of a key and every action of the audit log has words', () => {
  for (const role of Object.keys(text.roles)) {
    for (const word of grantable(role)) assert.ok(t.scopes[word], word);
    assert.ok(t.roleMeans[role], role);
  }
  const { parameters } = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')).paths['/v1/audit'].get;
  const known = parameters.find(({ name }) => name === 'action').schema.enum;
  assert.deepEqual([...Object.keys(t.auditActions)].sort(), [...known].sort());
});

test('a program is named by its own description', () => {
  const linux = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
  assert.deepEqual(agentOf(linux), { browser: 'Chrome', system: 'Linux' });
  assert.deepEqual(agentOf(`${linux} Edg/131.0`), { browser: 'Edge', system: 'Linux' });
  assert.deepEqual(agentOf('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1'), { browser: 'Safari', system: 'iPhone' });
  assert.deepEqual(agentOf('curl/8.5.0'), { browser: 'curl', system: null });
  assert.deepEqual(agentOf('florin-client/1.2 (Linux)'), { browser: 'florin-client', system: 'Linux' });
  for (const none of [null, '', 'Mozilla/5.0']) assert.deepEqual(agentOf(none), { browser: null, system: null });
  assert.equal(text.own.agent(null, null), '');
});
