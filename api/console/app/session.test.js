import assert from 'node:assert/strict';
import test from 'node:test';
import { at, get, list, newKey, post, withQuery } from './api.js';
import * as session from './session.js';
import { keyring } from './ui/form.js';

const ME = { id: 'u1', email: 'ana@example.com', full_name: 'Ana', role: 'customer' };
let calls = [];
let answer = () => null;
const problem = (status, code, more = {}) => new Response(JSON.stringify({ status, code, detail: code, ...more }), { status, headers: { 'Retry-After': '3' } });
const ok = (body) => new Response(JSON.stringify(body));
const jwt = (n) => `h.${btoa(JSON.stringify({ sub: 'u1', n }))}.s`;
let issued = 0;

globalThis.fetch = async (path, init) => {
  const headers = init.headers ?? {};
  calls.push({ path, method: init.method ?? 'GET', token: headers.Authorization?.slice(7) ?? null, key: headers['Idempotency-Key'], body: init.body });
  await new Promise((resolve) => { setTimeout(resolve, 1); });
  const own = answer(path, init, headers);
  if (own instanceof Error) throw own;
  if (own) return own;
  if (path === '/v1/users/me') return ok(ME);
  issued += 1;
  return ok({ access_token: jwt(issued), expires_in: 900, refresh_token: `r${issued}` });
};

async function signedIn() {
  answer = () => null;
  await session.signIn(ME.email, 'a password of ana');
  calls = [];
}

const refreshes = () => calls.filter((call) => call.path === '/v1/auth/refresh');
const stale = (old) => (path, init, headers) => {
  if (path.startsWith('/v1/auth') || path === '/v1/users/me') return null;
  return headers.Authorization === `Bearer ${old}` ? problem(401, 'unauthenticated') : ok({ fine: path });
};

test('two requests whose token has ended renew it once, and both go on', async () => {
  await signedIn();
  answer = stale(jwt(issued));
  const answers = await Promise.all([get('/v1/a'), get('/v1/b')]);
  assert.deepEqual(answers, [{ fine: '/v1/a' }, { fine: '/v1/b' }]);
  assert.equal(refreshes().length, 1);
  assert.equal(refreshes()[0].body, JSON.stringify({ refresh_token: `r${issued - 1}` }));
});

test('a session that has ended asks once, and the requests go on with their keys', async () => {
  await signedIn();
  const old = jwt(issued);
  let asked = 0;
  answer = (path, init, headers) => (path === '/v1/auth/refresh' ? problem(401, 'unauthenticated') : stale(old)(path, init, headers));
  session.setAsk(async () => { asked += 1; await session.signIn(ME.email, 'again'); return true; });
  await Promise.all([post('/v1/transfers', { amount: '1' }, { key: 'k' }), get('/v1/b')]);
  assert.equal(asked, 1);
  assert.deepEqual(calls.filter((call) => call.path === '/v1/transfers').map((call) => call.key), ['k', 'k']);
});

test('a person who closes the dialog gets the refusal, and stays who they are', async () => {
  await signedIn();
  const old = jwt(issued);
  answer = (path, init, headers) => (path === '/v1/auth/refresh' ? problem(401, 'unauthenticated') : stale(old)(path, init, headers));
  session.setAsk(async () => false);
  await assert.rejects(get('/v1/a'), { code: 'unauthenticated' });
  assert.equal(session.user().id, 'u1');
});

test('a refusal tells all, and another 401 renews nothing', async () => {
  await signedIn();
  answer = () => problem(401, 'invalid_credentials', { request_id: 'q1', errors: [{ field: 'amount', message: 'is odd' }], available: '1.0000' });
  await assert.rejects(post('/v1/users/me/password', {}), (error) => error.code === 'invalid_credentials' && error.requestId === 'q1'
    && error.errors.length === 1 && error.available === '1.0000' && error.retryAfterS === 3 && !error.isPassing);
  assert.equal(calls.length, 1);
});

test('an answer that does not come is a failure of the network', async () => {
  await signedIn();
  answer = (path) => (path === '/livez' ? null : new TypeError('fetch failed'));
  await assert.rejects(get('/v1/a'), (error) => error.code === 'network' && error.isPassing && error.isUncertain);
  const left = new AbortController();
  left.abort();
  await assert.rejects(get('/v1/a', null, { signal: left.signal }), { name: 'AbortError' });
});

test('signing out forgets everything, whatever the bank says', async () => {
  await signedIn();
  answer = () => problem(503, 'unavailable');
  await session.signOut();
  assert.equal(session.user(), null);
  assert.equal(await session.token(), null);
});

test('a list passes over empty pages and ends', async () => {
  await signedIn();
  const pages = { undefined: { items: [1], next_cursor: 'a' }, a: { items: [], next_cursor: 'b' }, b: { items: [2], next_cursor: null } };
  answer = (path) => (path.startsWith('/v1/things') ? ok(pages[new URL(path, 'http://x').searchParams.get('cursor') ?? undefined]) : null);
  const seen = [];
  for await (const page of list('/v1/things', { q: 'x' })) seen.push(...page.items);
  assert.deepEqual(seen, [1, 2]);
});

test('paths, queries and keys', () => {
  assert.equal(at`/v1/wallets/${'a/b c'}/entries`, '/v1/wallets/a%2Fb%20c/entries');
  assert.equal(withQuery('/x', { a: 1, b: null, c: '', d: 'ü&' }), '/x?a=1&d=%C3%BC%26');
  assert.match(newKey(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the same form keeps its key until an outcome is recorded', () => {
  let n = 0;
  const keys = keyring(() => `k${n += 1}`);
  assert.equal(keys.keyFor({ amount: '1' }), 'k1');
  keys.settle({ code: 'network' });
  assert.equal(keys.keyFor({ amount: '1' }), 'k1');
  assert.equal(keys.keyFor({ amount: '2' }), 'k2');
  assert.equal(keys.keyFor({ amount: '1' }), 'k1');
  assert.equal(keys.keyFor({ amount: '2' }), 'k2');
  keys.settle({ code: 'insufficient_funds', transferId: 't' });
  assert.equal(keys.keyFor({ amount: '2' }), 'k3');
  keys.forget();
  assert.equal(keys.keyFor({ amount: '2' }), 'k4');
});

test('the token that a tab keeps is taken by a reload only, and never left behind', async () => {
  const kept = new Map();
  Object.defineProperty(globalThis, 'sessionStorage', { configurable: true,
    value: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) } });
  const begun = async (type) => {
    session.forget();
    kept.set('florin_refresh', 'r0');
    performance.getEntriesByType = () => [{ type }];
    answer = () => null;
    calls = [];
    await session.start();
    assert.equal(kept.size, 0);
  };
  await begun('back_forward');
  assert.equal(session.user(), null);
  assert.equal(calls.length, 0);
  await begun('reload');
  assert.equal(session.user().id, ME.id);
  assert.equal(refreshes()[0].body, JSON.stringify({ refresh_token: 'r0' }));
});
