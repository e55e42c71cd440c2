// Proves a receipt in the browser, with the bank's public keys and without its word. docs/receipts.md has the format; the checks
// and their order are those of its chapter "How to check one".
import { toText } from './money.js';
import { Refused, readStrict } from './strict-json.js';

const RECEIPT_BYTES_MAX = 64 * 1024;
const KEYS_BYTES_MAX = 1024 * 1024;
const PATH_STEPS_MAX = 33;
const UNITS_MAX = 999_999_999_999_999_999n;
/** The end of the year 9999. */
const MICROS_MAX = 253_402_300_799_999_999n;
const U32_MAX = 2n ** 32n - 1n;
const I64_MAX = 2n ** 63n - 1n;
const KINDS = ['TRANSFER', 'DEPOSIT', 'WITHDRAWAL', 'REVERSAL', 'HOLD', 'RELEASE', 'CAPTURE'];
const STATUSES = ['PENDING', 'COMPLETED', 'FAILED'];
const TIME = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.([0-9]{6})Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// Ed25519: the field, the order of the group, and the second coordinates of the points of small order, for which anyone can sign.
const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
const EIGHTH = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const SMALL_ORDER = new Set([0n, 1n, P - 1n, EIGHTH, P - EIGHTH]);

/** The checks, in their order. */
export const CHECKS = ['document', 'transfer', 'path', 'commit', 'key', 'signature'];

/**
 * Checks the bytes of a receipt with the bytes of a key set. Answers `{isProved, checks: [{name, state, fault}], receipt, key}`.
 *
 * A state is `passed`, `failed` (with a `Refused` as `fault`), `unknown` (the browser cannot do it) or `skipped` (an earlier
 * one has failed). `isProved` is true only if all have passed. `id`: the transfer that it must be of. `key` is the key that
 * has signed, `{kid, retiredAt}`.
 */
export async function verifyReceipt(receiptBytes, keyBytes, { id = null, subtle = globalThis.crypto?.subtle ?? null } = {}) {
  const found = { receipt: null, key: null };
  const work = {
    document: () => { found.receipt = readReceipt(receiptBytes); },
    transfer: () => checkTransfer(found.receipt, id),
    path: () => checkPath(found.receipt, subtle),
    commit: () => checkCommit(found.receipt, subtle),
    key: () => { found.key = trustedKey(keyBytes, found.receipt.head.key_id); },
    signature: () => checkSignature(found.receipt, found.key, subtle),
  };
  const checks = [];
  for (const name of CHECKS) {
    const hasFailed = checks.some((check) => check.state === 'failed');
    checks.push(hasFailed ? { name, state: 'skipped', fault: null } : await done(name, work[name]));
  }
  const key = found.key && { kid: found.key.kid, retiredAt: found.key.retiredAt };
  return { isProved: checks.every((check) => check.state === 'passed'), checks, receipt: found.receipt, key };
}

/** What the browser lacks for a check. */
class Lacking extends Error {}

async function done(name, check) {
  try {
    await check();
    return { name, state: 'passed', fault: null };
  } catch (error) {
    if (error instanceof Lacking) return { name, state: 'unknown', fault: null };
    if (error instanceof Refused) return { name, state: 'failed', fault: error };
    throw error;
  }
}

/** The document, each value in its one spelling; bytes are Uint8Arrays beside their text. */
function readReceipt(bytes) {
  const receipt = readStrict(bytes, RECEIPT_BYTES_MAX);
  members(receipt, '', 'format transfer leaf path commit head');
  if (receipt.format !== 'florin receipt 1') throw new Refused('other_format', 'format');
  const { leaf, commit, head, path } = receipt;
  members(receipt.transfer, 'transfer', Object.keys(TRANSFER).join(' '));
  members(leaf, 'leaf', 'public sealed');
  hexBytes(leaf.public, 'leaf.public');
  hexBytes(leaf.sealed, 'leaf.sealed', 32);
  if (!Array.isArray(path) || path.length > PATH_STEPS_MAX) throw new Refused('spelling', 'path');
  path.forEach((step, n) => {
    members(step, `path.${n}`, 'side digest');
    if (step.side !== 'left' && step.side !== 'right') throw new Refused('spelling', `path.${n}.side`);
    hexBytes(step.digest, `path.${n}.digest`, 32);
  });
  members(commit, 'commit', 'previous_digest last_id changes root');
  hexBytes(commit.previous_digest, 'commit.previous_digest', 32);
  idBytes(commit.last_id, 'commit.last_id');
  number(commit.changes, 'commit.changes', U32_MAX);
  hexBytes(commit.root, 'commit.root', 32);
  members(head, 'head', 'ledger number digest transfers at signature key_id');
  idBytes(head.ledger, 'head.ledger');
  number(head.number, 'head.number', I64_MAX);
  hexBytes(head.digest, 'head.digest', 32);
  number(head.transfers, 'head.transfers', U32_MAX);
  micros(head.at, 'head.at');
  hexBytes(head.signature, 'head.signature', 64);
  if (typeof head.key_id !== 'string') throw new Refused('spelling', 'head.key_id');
  return receipt;
}

/** How each member of a transfer is read from its public bytes, in their order. */
const TRANSFER = {
  id: (bytes) => bytes.id(),
  created_at: (bytes) => bytes.time(),
  kind: (bytes) => bytes.word(KINDS),
  status: (bytes) => bytes.word(STATUSES),
  source_wallet_id: (bytes) => bytes.id(),
  destination_wallet_id: (bytes) => bytes.id(),
  amount: (bytes) => bytes.amount(),
  currency: (bytes) => bytes.letters(/^[A-Z]{3}$/),
  method: (bytes) => bytes.optional(() => bytes.letters(/^[a-z0-9_]{1,32}$/)),
  reason: (bytes) => bytes.optional(() => bytes.letters(/^[a-z0-9_/]{1,255}$/)),
  parent_id: (bytes) => bytes.optional(() => bytes.id()),
  batch_id: (bytes) => bytes.optional(() => bytes.id()),
  created_by: (bytes) => bytes.optional(() => bytes.id()),
  expires_at: (bytes) => bytes.optional(() => bytes.time()),
  released: (bytes) => bytes.optional(() => bytes.amount()),
  texts_digest: (bytes) => bytes.optional(() => toHex(bytes.take(32))),
};

/** What public bytes say, as the member `transfer` of a receipt says it. */
export function decodeTransfer(data) {
  const bytes = new PublicBytes(data);
  if (bytes.byte() !== 0x54) bytes.fail();
  const transfer = Object.fromEntries(Object.entries(TRANSFER).map(([name, read]) => [name, read(bytes)]));
  if (bytes.at !== data.length) bytes.fail();
  return transfer;
}

class PublicBytes {
  constructor(data) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.at = 0;
  }

  take(count) {
    if (this.at + count > this.data.length) this.fail();
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  byte() {
    return this.take(1)[0];
  }

  signed() {
    this.take(8);
    return this.view.getBigInt64(this.at - 8);
  }

  word(words) {
    return words[this.byte() - 1] ?? this.fail();
  }

  id() {
    return toHex(this.take(16)).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  time() {
    const count = this.signed();
    if (count < 0n || count > MICROS_MAX) this.fail();
    return timeText(count);
  }

  amount() {
    const units = this.signed();
    if (units > UNITS_MAX || units < -UNITS_MAX) this.fail();
    return toText(units);
  }

  letters(pattern) {
    const found = String.fromCharCode(...this.take(this.byte()));
    return pattern.test(found) ? found : this.fail();
  }

  optional(read) {
    const mark = this.byte();
    if (mark > 1) this.fail();
    return mark === 1 ? read() : null;
  }

  fail() {
    throw new Refused('public_bytes', 'leaf.public');
  }
}

function checkTransfer({ leaf, transfer }, id) {
  const said = decodeTransfer(hexBytes(leaf.public, 'leaf.public'));
  for (const [name, value] of Object.entries(said)) {
    if (transfer[name] !== value) throw new Refused('other_words', `transfer.${name}`);
  }
  if (id !== null && transfer.id !== id) throw new Refused('other_transfer', 'transfer.id');
}

async function checkPath({ leaf, path, commit }, subtle) {
  let node = await sha256(subtle, Uint8Array.of(0), hexBytes(leaf.public), hexBytes(leaf.sealed));
  for (const { side, digest } of path) {
    const sibling = hexBytes(digest);
    node = await sha256(subtle, Uint8Array.of(1), ...(side === 'left' ? [sibling, node] : [node, sibling]));
  }
  if (toHex(node) !== commit.root) throw new Refused('path', 'commit.root');
}

async function checkCommit({ commit, head }, subtle) {
  const row = await sha256(subtle, ascii('florin journal 1\0'), idBytes(head.ledger), hexBytes(commit.previous_digest), wide(head.number, 8),
    idBytes(commit.last_id), wide(head.transfers, 4), wide(commit.changes, 4), wide(micros(head.at), 8), hexBytes(commit.root));
  if (toHex(row) !== head.digest) throw new Refused('digest', 'head.digest');
}

/** The key of this name in a set of keys (RFC 7517). Keys of other types are passed over; one wrong key spoils the set. */
function trustedKey(bytes, kid) {
  const set = readStrict(bytes, KEYS_BYTES_MAX);
  const isSet = set !== null && typeof set === 'object' && Array.isArray(set.keys) && set.keys.every(isObject);
  if (!isSet) throw new Refused('keys');
  const keys = set.keys.filter((key) => key.kty === 'OKP' && key.crv === 'Ed25519').map(publicKey);
  if (new Set(keys.map((key) => key.kid)).size !== keys.length) throw new Refused('keys');
  const key = keys.find((one) => one.kid === kid);
  if (key === undefined) throw new Refused('untrusted_key', 'head.key_id');
  return key;
}

function publicKey({ kid, x, retired_at: retiredAt = null }) {
  if (typeof kid !== 'string' || typeof x !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(x)) throw new Refused('keys');
  const text = atob(`${x.replaceAll('-', '+').replaceAll('_', '/')}=`);
  const isOneSpelling = btoa(text) === `${x.replaceAll('-', '+').replaceAll('_', '/')}=`;
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  if (!isOneSpelling || isSmallOrder(bytes)) throw new Refused('keys');
  if (retiredAt !== null) micros(retiredAt, 'keys.retired_at');
  return { kid, bytes, retiredAt };
}

async function checkSignature({ head }, key, subtle) {
  const signature = hexBytes(head.signature);
  // Not every browser refuses these, with which a signature would have a second form or be anyone's.
  if (littleEndian(signature.subarray(32)) >= ORDER || isSmallOrder(signature.subarray(0, 32))) throw new Refused('signature', 'head.signature');
  const signed = joined(ascii('florin head 1\0'), idBytes(head.ledger), wide(head.number, 8), hexBytes(head.digest), wide(head.transfers, 4), wide(micros(head.at), 8));
  if (!(await isSigned(subtle, key.bytes, signature, signed))) throw new Refused('signature', 'head.signature');
}

async function isSigned(subtle, publicBytes, signature, signed) {
  if (subtle === null) throw new Lacking();
  try {
    const key = await subtle.importKey('raw', publicBytes, { name: 'Ed25519' }, false, ['verify']);
    return await subtle.verify({ name: 'Ed25519' }, key, signature, signed);
  } catch (error) {
    if (error?.name === 'NotSupportedError') throw new Lacking();
    return false;
  }
}

async function sha256(subtle, ...parts) {
  if (subtle === null) throw new Lacking();
  return new Uint8Array(await subtle.digest('SHA-256', joined(...parts)));
}

function isSmallOrder(point) {
  return SMALL_ORDER.has((littleEndian(point) & (2n ** 255n - 1n)) % P);
}

function littleEndian(bytes) {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

/** The object has exactly these members. */
function members(value, path, names) {
  const isRight = isObject(value) && Object.keys(value).sort().join(' ') === names.split(' ').sort().join(' ');
  if (!isRight) throw new Refused('members', path);
}

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function hexBytes(value, path = '', count = null) {
  const isHex = typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value) && (count === null || value.length === 2 * count);
  if (!isHex) throw new Refused('spelling', path);
  return Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function idBytes(value, path = '') {
  if (typeof value !== 'string' || !UUID.test(value)) throw new Refused('spelling', path);
  return hexBytes(value.replaceAll('-', ''));
}

function number(value, path, largest) {
  if (typeof value !== 'bigint' || value < 0n || value > largest) throw new Refused('spelling', path);
  return value;
}

/** Microseconds since 1970 of a time in its one spelling. */
function micros(value, path = '') {
  const [, seconds, fraction] = (typeof value === 'string' && TIME.exec(value)) || [];
  const ms = Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms)) throw new Refused('spelling', path);
  const count = BigInt(ms) * 1000n + BigInt(fraction);
  if (count < 0n || count > MICROS_MAX || timeText(count) !== value) throw new Refused('spelling', path);
  return count;
}

function timeText(count) {
  const fraction = (count % 1_000_000n).toString().padStart(6, '0');
  return `${new Date(Number(count / 1000n)).toISOString().slice(0, 19)}.${fraction}Z`;
}

function wide(value, width) {
  return hexBytes(value.toString(16).padStart(2 * width, '0'));
}

function ascii(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function joined(...parts) {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}
