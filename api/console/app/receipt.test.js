import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHECKS, decodeTransfer, verifyReceipt } from './receipt.js';
import { readStrict } from './strict-json.js';

const sample = (name) => new Uint8Array(readFileSync(new URL(`../../../samples/${name}`, import.meta.url)));
const RECEIPT = sample('receipt.json');
const KEYS = sample('florin-keys.json');
const bytesOf = (text) => new TextEncoder().encode(text);
const textOf = (bytes) => new TextDecoder().decode(bytes);
const failed = ({ checks }) => checks.find((check) => check.state === 'failed');

/** The sample with something changed. */
function forged(change) {
  const receipt = JSON.parse(textOf(RECEIPT));
  change(receipt);
  return bytesOf(JSON.stringify(receipt));
}

/** Another digit in the place of the first one. */
const flip = (hex) => (hex[0] === '0' ? '1' : '0') + hex.slice(1);

async function refusedAt(name, bytes, keys = KEYS, options = {}) {
  const answer = await verifyReceipt(bytes, keys, options);
  assert.equal(answer.isProved, false);
  assert.equal(failed(answer)?.name, name);
  const after = answer.checks.slice(CHECKS.indexOf(name) + 1);
  assert.ok(after.every((check) => check.state === 'skipped'));
  return failed(answer).fault;
}

test('the sample is proved', async () => {
  const answer = await verifyReceipt(RECEIPT, KEYS, { id: '01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01' });
  assert.ok(answer.isProved);
  assert.deepEqual(answer.checks.map((check) => [check.name, check.state]), CHECKS.map((name) => [name, 'passed']));
  assert.equal(answer.receipt.head.number, 17n);
  assert.deepEqual(answer.key, { kid: '5f0c1e9ab2d37846', retiredAt: null });
});

test('a receipt of another transfer is refused', async () => {
  const fault = await refusedAt('transfer', RECEIPT, KEYS, { id: '01993f2a-5c00-7a10-8f3b-6d1c0e5a9b02' });
  assert.equal(fault.code, 'other_transfer');
});

test('a changed transfer is refused, member by member', async () => {
  const { transfer } = JSON.parse(textOf(RECEIPT));
  for (const [name, value] of Object.entries(transfer)) {
    const bytes = forged((receipt) => { receipt.transfer[name] = value === null ? 'x' : null; });
    assert.equal((await refusedAt('transfer', bytes)).member, `transfer.${name}`);
  }
  assert.equal((await refusedAt('transfer', forged((receipt) => { receipt.transfer.amount = '12500.0000'; }))).member, 'transfer.amount');
  assert.equal((await refusedAt('transfer', forged((receipt) => { receipt.transfer.amount = '12.50'; }))).member, 'transfer.amount');
});

test('changed public bytes are refused even if the transfer agrees with them', async () => {
  const bytes = forged((receipt) => {
    receipt.transfer.amount = '12.5001';
    receipt.leaf.public = receipt.leaf.public.replace('000000000001e848', '000000000001e849');
  });
  assert.equal((await refusedAt('path', bytes)).code, 'path');
});

test('public bytes that end early or go on are refused', async () => {
  for (const change of [(hex) => hex.slice(0, -2), (hex) => `${hex}00`, (hex) => `55${hex.slice(2)}`, () => '']) {
    const bytes = forged((receipt) => { receipt.leaf.public = change(receipt.leaf.public); });
    assert.equal((await refusedAt('transfer', bytes)).code, 'public_bytes');
  }
});

test('a changed leaf, path or root is refused', async () => {
  const changes = [
    (receipt) => { receipt.leaf.sealed = flip(receipt.leaf.sealed); },
    (receipt) => { receipt.path[1].digest = flip(receipt.path[1].digest); },
    (receipt) => { receipt.path[0].side = 'left'; },
    (receipt) => { receipt.path.pop(); },
    (receipt) => { receipt.path.reverse(); },
    (receipt) => { receipt.commit.root = flip(receipt.commit.root); },
  ];
  for (const change of changes) await refusedAt('path', forged(change));
});

test('a changed row is refused', async () => {
  const changes = [
    (receipt) => { receipt.commit.previous_digest = flip(receipt.commit.previous_digest); },
    (receipt) => { receipt.commit.last_id = receipt.transfer.id; },
    (receipt) => { receipt.commit.changes = 2; },
    (receipt) => { receipt.head.ledger = receipt.transfer.id; },
    (receipt) => { receipt.head.number = 18; },
    (receipt) => { receipt.head.digest = flip(receipt.head.digest); },
    (receipt) => { receipt.head.transfers = 5; },
    (receipt) => { receipt.head.at = '2026-01-31T12:00:00.000004Z'; },
  ];
  for (const change of changes) await refusedAt('commit', forged(change));
});

test('a changed signature is refused, and so is its second form', async () => {
  await refusedAt('signature', forged((receipt) => { receipt.head.signature = flip(receipt.head.signature); }));
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const bytes = forged((receipt) => {
    const reversed = (hex) => hex.match(/../g).reverse().join('');
    const s = BigInt(`0x${reversed(receipt.head.signature.slice(64))}`) + order;
    receipt.head.signature = receipt.head.signature.slice(0, 64) + reversed(s.toString(16).padStart(64, '0'));
  });
  await refusedAt('signature', bytes);
});

test('another bank’s key is refused', async () => {
  const other = JSON.parse(textOf(KEYS));
  other.keys[0].x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
  await refusedAt('signature', RECEIPT, bytesOf(JSON.stringify(other)));
  other.keys[0].kid = 'another';
  assert.equal((await refusedAt('key', RECEIPT, bytesOf(JSON.stringify(other)))).code, 'untrusted_key');
});

test('a set of keys that is not sound is refused', async () => {
  const key = JSON.parse(textOf(KEYS)).keys[0];
  const sets = [
    { keys: [] }, { keys: [key, key] }, { keys: [null] }, {}, [],
    { keys: [{ ...key, x: key.x.slice(1) }] }, { keys: [{ ...key, x: undefined }] }, { keys: [{ ...key, kid: 5 }] },
    { keys: [{ ...key, retired_at: 'yesterday' }] },
    // Of small order: 1, and the same with a last letter that base64url does not have for it.
    { keys: [{ ...key, x: `AQ${'A'.repeat(41)}` }] }, { keys: [{ ...key, x: `${key.x.slice(0, -1)}R` }] },
  ];
  for (const set of sets) await refusedAt('key', RECEIPT, bytesOf(JSON.stringify(set)));
});

test('unknown members and keys of other types are passed over in a set of keys; a retired key is told', async () => {
  const set = JSON.parse(textOf(KEYS));
  set.keys[0].retired_at = '2026-02-01T00:00:00.000000Z';
  set.keys.push({ kty: 'RSA', kid: set.keys[0].kid, n: 1 });
  const answer = await verifyReceipt(RECEIPT, bytesOf(JSON.stringify({ ...set, more: true })));
  assert.ok(answer.isProved);
  assert.equal(answer.key.retiredAt, '2026-02-01T00:00:00.000000Z');
});

test('a document in another spelling is refused', async () => {
  const text = textOf(RECEIPT);
  const spellings = [
    ['', 'not_json'], ['[]', 'members'], ['null', 'members'], [`${text}x`, 'not_json'], [`\ufeff${text}`, 'characters'],
    [text.replace('"USD"', '"\\u0055SD"'), 'characters'], [text.replace('"USD"', '"ÜSD"'), 'characters'],
    [text.replace('"number": 17', '"number": 17.0'), 'not_json'], [text.replace('"number": 17', '"number": 1.7e1'), 'not_json'],
    [text.replace('"number": 17', '"number": 017'), 'not_json'], [text.replace('"number": 17', '"number": "17"'), 'spelling'],
    [text.replace('"number": 17', '"number": 9223372036854775808'), 'spelling'], [text.replace('"changes": 1', '"changes": 4294967296'), 'spelling'],
    [text.replace('"changes": 1', '"changes": -1'), 'spelling'],
    [text.replace('"number": 17', '"number": 17, "number": 17'), 'doubled'], [text.replace('"number": 17', '"number": 17, "more": 1'), 'members'],
    [text.replace('"changes": 1,', ''), 'members'], [text.replace('"format"', '"__proto__"'), 'members'],
    [text.replace('florin receipt 1', 'florin receipt 2'), 'other_format'], [text.replace('"left"', '"above"'), 'spelling'],
    [text.replace('f3c7', 'F3C7'), 'spelling'], [text.replace('7f1d0c52-93ab', '7F1D0C52-93ab'), 'spelling'],
    [text.replace('12:00:00.000003Z', '12:00:00.000003+00:00'), 'spelling'], [text.replace('12:00:00.000003Z', '11:59:60.000003Z'), 'spelling'],
    [text.replace('2026-01-31T12:00:00.000003Z', '2026-02-30T12:00:00.000003Z'), 'spelling'], [text.replace('2026-01-31T12:00:00.000003Z', '0026-01-31T12:00:00.000003Z'), 'spelling'],
    [text + ' '.repeat(64 * 1024), 'too_large'],
  ];
  for (const [spelled, code] of spellings) {
    assert.notEqual(spelled, text);
    assert.equal((await refusedAt('document', bytesOf(spelled))).code, code, spelled.slice(0, 40));
  }
  const long = forged((receipt) => { receipt.path = Array.from({ length: 34 }, () => receipt.path[0]); });
  assert.equal((await refusedAt('document', long)).member, 'path');
});

test('order of members and whitespace are free', async () => {
  const { head, ...rest } = JSON.parse(textOf(RECEIPT));
  assert.ok((await verifyReceipt(bytesOf(`\n${JSON.stringify({ head, ...rest }, null, 3)} `), KEYS)).isProved);
});

test('a browser without Ed25519 checks the digests, and does not say that it is proved', async () => {
  const { subtle } = globalThis.crypto;
  const lacking = { digest: (...of) => subtle.digest(...of), importKey: async () => { throw new DOMException('Ed25519', 'NotSupportedError'); } };
  const answer = await verifyReceipt(RECEIPT, KEYS, { subtle: lacking });
  assert.equal(answer.isProved, false);
  assert.deepEqual(answer.checks.map((check) => check.state), ['passed', 'passed', 'passed', 'passed', 'passed', 'unknown']);
  await refusedAt('path', forged((receipt) => { receipt.leaf.sealed = flip(receipt.leaf.sealed); }), KEYS, { subtle: lacking });
});

test('a page without encryption has no cryptography: only the words are checked', async () => {
  const answer = await verifyReceipt(RECEIPT, KEYS, { subtle: null });
  assert.equal(answer.isProved, false);
  assert.deepEqual(answer.checks.map((check) => check.state), ['passed', 'passed', 'unknown', 'unknown', 'passed', 'unknown']);
});

test('all members of a transfer are read from its public bytes', () => {
  const id = (n) => `01993f2a-5c00-7a10-8f3b-6d1c0e5a9b0${n}`;
  const hex = (n) => id(n).replaceAll('-', '');
  const ascii = (text) => Buffer.from(text).toString('hex');
  const public_ = ['54', hex(1), '000649add4493001', '05', '01', hex(2), hex(3), '0de0b6b3a763ffff', `03${ascii('EUR')}`, `0104${ascii('visa')}`,
    `0105${ascii('a/b_0')}`, `01${hex(4)}`, `01${hex(5)}`, `01${hex(6)}`, '0100649add44930010', '01fffffffffffffffb', `01${'ab'.repeat(32)}`].join('');
  assert.deepEqual(decodeTransfer(Uint8Array.from(Buffer.from(public_, 'hex'))), {
    id: id(1), created_at: '2026-01-31T12:00:00.000001Z', kind: 'HOLD', status: 'PENDING', source_wallet_id: id(2), destination_wallet_id: id(3),
    amount: '99999999999999.9999', currency: 'EUR', method: 'visa', reason: 'a/b_0', parent_id: id(4), batch_id: id(5), created_by: id(6),
    expires_at: decodedTime('00649add44930010'), released: '-0.0005', texts_digest: 'ab'.repeat(32),
  });
});

function decodedTime(hex) {
  const count = BigInt(`0x${hex}`);
  return `${new Date(Number(count / 1000n)).toISOString().slice(0, 19)}.${(count % 1000000n).toString().padStart(6, '0')}Z`;
}

test('strict JSON has no escapes, no control characters and no depth without an end', () => {
  const read = (text) => readStrict(bytesOf(text), 10_000);
  assert.deepEqual(read(' [1, "a b", true, false, null, -5, []] '), [1n, 'a b', true, false, null, -5n, []]);
  for (const wrong of ['"a\tb"', '[1,]', '{"a":1,}', '{a:1}', '-0', '1 2', '"', 'nul', '['.repeat(200), '123456789012345678901']) {
    assert.throws(() => read(wrong), { name: 'Refused' });
  }
});
