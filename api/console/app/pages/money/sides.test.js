import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bankSide, signedAmount } from './sides.js';

const [MINE, OTHER] = ['mine', 'other'];
const own = new Map([[MINE, { id: MINE, currency: 'EUR' }]]);
const of = (kind, source, destination, more) => ({ kind, status: 'COMPLETED', method: null, amount: '12.5000', source_wallet_id: source, destination_wallet_id: destination, ...more });

test('the bank pays deposits and receives all else that has a method', () => {
  assert.equal(bankSide(of('TRANSFER', MINE, OTHER), own), null);
  assert.equal(bankSide(of('DEPOSIT', OTHER, MINE, { method: 'visa' }), own), 'source');
  for (const kind of ['WITHDRAWAL', 'HOLD', 'CAPTURE', 'RELEASE']) assert.equal(bankSide(of(kind, MINE, OTHER, { method: 'visa' }), own), 'destination');
});

test('a reversal has the bank on the side that is not the reader’s', () => {
  assert.equal(bankSide(of('REVERSAL', MINE, OTHER, { method: 'visa' }), own), 'destination');
  assert.equal(bankSide(of('REVERSAL', OTHER, MINE, { method: 'visa' }), own), 'source');
  assert.equal(bankSide(of('REVERSAL', OTHER, 'third', { method: 'visa' }), own), null);
});

test('an amount has the sign that it has for the reader', () => {
  assert.deepEqual(signedAmount(of('TRANSFER', MINE, OTHER), own), { amount: '-12.5000', signed: true });
  assert.deepEqual(signedAmount(of('TRANSFER', OTHER, MINE), own), { amount: '12.5000', signed: true });
  assert.deepEqual(signedAmount(of('TRANSFER', OTHER, 'third'), own), { amount: '12.5000', signed: false });
});

test('what moved nothing has no sign', () => {
  assert.equal(signedAmount(of('TRANSFER', MINE, OTHER, { status: 'FAILED' }), own).signed, false);
  assert.equal(signedAmount(of('HOLD', MINE, OTHER), own).signed, false);
  assert.equal(signedAmount(of('RELEASE', MINE, OTHER), own).signed, false);
  assert.equal(signedAmount(of('CAPTURE', MINE, OTHER), own).signed, true);
});
