import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendTagged } from './wallet-actions.js';

const changed = Object.assign(new Error('changed'), { code: 'precondition_failed' });

/** A wallet that changes `times` times, each time into `next`, before a send gets through. */
function moving(times, next) {
  const view = { wallet: { balance: '1', limits: null }, etag: 'e0', refresh: async () => { view.wallet = next; view.etag = `e${tags.length}`; } };
  const tags = [];
  const send = async ({ headers }) => {
    tags.push(headers['If-Match']);
    if (tags.length <= times) throw changed;
    return 'done';
  };
  return { view, tags, send };
}

test('limits are set although money moves, with the tag of now', async () => {
  const { view, tags, send } = moving(2, { balance: '2', limits: null });
  assert.equal(await sendTagged(view, (wallet) => wallet.limits, send), 'done');
  assert.deepEqual(tags, ['e0', 'e1', 'e2']);
});

test('limits that somebody else has set are not overwritten unseen', async () => {
  const { view, tags, send } = moving(1, { balance: '1', limits: { per_transfer: '5.0000' } });
  await assert.rejects(sendTagged(view, (wallet) => wallet.limits, send), { code: 'precondition_failed' });
  assert.equal(tags.length, 1);
  assert.equal(await sendTagged(view, (wallet) => wallet.limits, send), 'done');
});

test('it is not sent without an end, and another refusal is not sent again', async () => {
  const { view, tags, send } = moving(Infinity, { balance: '2', limits: null });
  await assert.rejects(sendTagged(view, (wallet) => wallet.limits, send), { code: 'precondition_failed' });
  assert.equal(tags.length, 5);
  await assert.rejects(sendTagged(view, (wallet) => wallet, async () => { throw new Error('away'); }), /away/);
});
