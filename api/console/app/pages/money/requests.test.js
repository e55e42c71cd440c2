import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureRequest, isMethod, isReceiver, newRequest, reverseRequest, voidRequest } from './requests.js';

const ID = '01993f29-1a00-7b10-9c2d-0e5a9b016d1c';
const values = { receiver: 'ana@example.com', amount: '90071992547409.9301', description: '', method: 'visa', isHeld: false, span: 'day' };

test('a transfer names a person by address or a wallet by id, and the amount as it was typed', () => {
  assert.deepEqual(newRequest('transfer', ID, values), { path: '/v1/transfers',
    body: { source_wallet_id: ID, destination_email: 'ana@example.com', amount: '90071992547409.9301' } });
  const { body } = newRequest('transfer', 'w', { ...values, receiver: ID.toUpperCase(), description: 'lunch' });
  assert.deepEqual(body, { source_wallet_id: 'w', destination_wallet_id: ID, amount: '90071992547409.9301', description: 'lunch' });
});

test('only a hold says how long', () => {
  assert.deepEqual(newRequest('hold', ID, values).body, { source_wallet_id: ID, destination_email: 'ana@example.com', amount: '90071992547409.9301', hold: true, expires_in_s: 86400 });
});

test('money comes in and goes out by a method; a withdrawal can be held', () => {
  assert.deepEqual(newRequest('deposit', ID, { ...values, isHeld: true }), { path: `/v1/wallets/${ID}/deposits`, body: { amount: '90071992547409.9301', method: 'visa' } });
  assert.deepEqual(newRequest('withdrawal', ID, values), { path: `/v1/wallets/${ID}/withdrawals`, body: { amount: '90071992547409.9301', method: 'visa' } });
  assert.deepEqual(newRequest('withdrawal', ID, { ...values, isHeld: true }).body, { amount: '90071992547409.9301', method: 'visa', hold: true, expires_in_s: 86400 });
});

test('a capture is final unless it says so, a void has no body, a reversal may be partial', () => {
  assert.deepEqual(captureRequest(ID, { amount: '', isFinal: true }), { path: `/v1/transfers/${ID}/capture`, body: {} });
  assert.deepEqual(captureRequest(ID, { amount: '1.5', isFinal: false }).body, { amount: '1.5', final: false });
  assert.deepEqual(voidRequest(ID), { path: `/v1/transfers/${ID}/void`, body: undefined });
  assert.deepEqual(reverseRequest(ID, { amount: '2.5', description: '' }).body, { amount: '2.5' });
});

test('receivers and methods are known by their form', () => {
  assert.ok(isReceiver('a@b') && isReceiver(ID));
  assert.ok(!isReceiver('ana') && !isReceiver('a b@c') && !isReceiver(ID.slice(1)));
  assert.ok(isMethod('apple_pay') && !isMethod('Visa') && !isMethod('') && !isMethod('x'.repeat(33)));
});
