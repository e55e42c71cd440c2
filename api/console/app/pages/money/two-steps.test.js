import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installFakeDom } from '../../../../../tests/console/fake-dom.mjs';
import { twoSteps } from './two-steps.js';

installFakeDom();
const submit = (steps) => steps.el.all('form')[0].listeners.submit({ preventDefault() {} });
const tick = () => new Promise((resolve) => { setTimeout(resolve, 5); });

test('a reader who leaves ends the dry run, and not the request that moves money', async () => {
  const page = new AbortController();
  const asked = [];
  let done = null;
  globalThis.fetch = async (path, { signal, headers }) => {
    asked.push({ path, key: headers['Idempotency-Key'] });
    if (path.startsWith('/livez')) return new Response('');
    await tick();
    signal.throwIfAborted();
    return new Response(JSON.stringify(path.includes('dry_run') ? { amount: '5.0000' } : { id: 't', amount: '5.0000' }));
  };
  const steps = twoSteps({ fields: [], requestOf: () => ({ path: '/v1/transfers', body: { amount: '5' } }), describe: () => null, confirm: () => 'Send',
    label: 'New', signal: page.signal, onDone: (made) => { done = made; } });
  submit(steps);
  await tick();
  await tick();
  submit(steps);
  page.abort();
  await tick();
  await tick();
  assert.equal(done.id, 't');
  assert.deepEqual(asked.map(({ path }) => path), ['/v1/transfers?dry_run=true', '/v1/transfers']);
  assert.equal(asked[0].key, asked[1].key);
});
