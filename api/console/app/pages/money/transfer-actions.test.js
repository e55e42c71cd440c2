import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureParts, leftToReverse } from './transfer-actions.js';

const of = (more) => ({ kind: 'TRANSFER', status: 'COMPLETED', amount: '99999999999999.9999', reversed: '0.0001', ...more });

test('what is left to reverse is exact', () => {
  assert.equal(leftToReverse(of({})), '99999999999999.9998');
  assert.equal(leftToReverse(of({ kind: 'CAPTURE', reversed: '0.0000' })), '99999999999999.9999');
});

test('nothing is left of what is reversed, failed, or a hold, a release, a reversal', () => {
  assert.equal(leftToReverse(of({ reversed: '99999999999999.9999' })), null);
  assert.equal(leftToReverse(of({ status: 'FAILED' })), null);
  for (const kind of ['HOLD', 'RELEASE', 'REVERSAL']) assert.equal(leftToReverse(of({ kind })), null);
});

test('a final capture gives the rest back, another one keeps it', () => {
  assert.deepEqual(captureParts('40.0000', '15.5000', true), { taken: '15.5000', back: '24.5000', kept: '0.0000' });
  assert.deepEqual(captureParts('40.0000', '15.5000', false), { taken: '15.5000', back: '0.0000', kept: '24.5000' });
});
