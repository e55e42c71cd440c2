// Sessions that share a cookie with other tabs, and a second person in the same browser.
import assert from 'node:assert/strict';
import test from 'node:test';

const MESSAGES = [];
let hear = null;
let reloads = 0;
let cookie = '';
globalThis.isSecureContext = true;
globalThis.document = { get cookie() { return cookie; }, set cookie(one) { cookie = one.split(';')[0]; } };
globalThis.location = { reload() { reloads += 1; } };
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks: { request: (name, work) => work() } } });
globalThis.BroadcastChannel = class {
  addEventListener(type, listener) { hear = (data) => listener({ data }); }
  removeEventListener() {}
  postMessage(message) { MESSAGES.push(message); }
};
const session = await import('./session.js');
const { post } = await import('./api.js');

let who = 'ana';
let life = 900;
let calls = [];
let answer = () => null;
const jwt = (sub) => `h.${btoa(JSON.stringify({ sub }))}.s`;
const problem = (status) => new Response(JSON.stringify({ status, code: status === 401 ? 'unauthenticated' : 'unavailable' }), { status });
globalThis.fetch = async (path, init) => {
  calls.push({ path, token: init.headers?.Authorization?.slice(7) ?? null });
  const own = answer(path);
  if (own) return own;
  if (path === '/v1/users/me') return new Response(JSON.stringify({ id: who, role: 'operator', email: `${who}@example.com` }));
  return new Response(JSON.stringify({ access_token: jwt(who), expires_in: life }));
};

/** Ana, whose token has ended where `life` is 0. */
async function signedIn(seconds = 900) {
  who = 'ana';
  life = seconds;
  answer = () => null;
  if (session.user() !== null) session.forget();
  await session.signIn('ana@example.com', 'a password of ana');
  life = 900;
  calls = [];
  reloads = 0;
  MESSAGES.length = 0;
}
const paths = () => calls.map(({ path }) => path);

test('signing out with a token that has ended renews it first', async () => {
  await signedIn(0);
  await session.signOut();
  assert.deepEqual(paths(), ['/v1/auth/refresh', '/v1/auth/logout']);
  assert.deepEqual(MESSAGES, [{ type: 'out', id: 'ana' }]);
  assert.equal(session.wasLeftOpen(), false);
});

test('signing out with a token that the bank refuses renews it and asks once more', async () => {
  await signedIn();
  answer = (path) => (path === '/v1/auth/logout' && calls.length === 1 ? problem(401) : null);
  await session.signOut();
  assert.deepEqual(paths(), ['/v1/auth/logout', '/v1/auth/refresh', '/v1/auth/logout']);
  assert.equal(session.wasLeftOpen(), false);
});

test('a session that has ended already is ended', async () => {
  await signedIn(0);
  answer = () => problem(401);
  await session.signOut();
  assert.equal(session.user(), null);
  assert.equal(session.wasLeftOpen(), false);
});

test('a session that the bank could not end is said to be open, until the next sign-in', async () => {
  await signedIn();
  answer = () => problem(503);
  await session.signOut();
  assert.equal(session.user(), null);
  assert.equal(session.wasLeftOpen(), true);
  await signedIn();
  assert.equal(session.wasLeftOpen(), false);
});

test('a request of one person is never sent as another who has signed in meanwhile', async () => {
  await signedIn(0);
  who = 'ben';
  for (let n = 1; n <= 2; n += 1) {
    await assert.rejects(post('/v1/wallets/w/deposits', { amount: '5' }, { key: 'k' }), { name: 'AbortError' });
    assert.equal(reloads, n);
  }
  assert.ok(paths().every((path) => path === '/v1/auth/refresh'));
});

test('another person in another tab is heard at once, the same one changes nothing', async () => {
  await signedIn();
  hear({ type: 'in', id: 'ana' });
  assert.equal(reloads, 0);
  hear({ type: 'in', id: 'ben' });
  assert.equal(reloads, 1);
  who = 'ben';
  await assert.rejects(post('/v1/wallets/w/freeze'), { name: 'AbortError' });
  assert.ok(!paths().includes('/v1/wallets/w/freeze'));
});

test('who signs out as another person changes nothing of theirs', async () => {
  await signedIn(0);
  hear({ type: 'out', id: 'ben' });
  assert.equal(session.user().id, 'ana');
  who = 'ben';
  await session.signOut();
  assert.equal(reloads, 1);
  assert.deepEqual(paths(), ['/v1/auth/refresh']);
  assert.deepEqual(MESSAGES, []);
});

test('signing out in another tab is heard', async () => {
  await signedIn();
  hear({ type: 'out', id: 'ana' });
  assert.equal(session.user(), null);
});
