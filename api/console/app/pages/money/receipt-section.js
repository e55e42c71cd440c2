// The receipt of a transfer: fetched, checked in this browser step by step, and to be kept as a file.
import { at, call, save } from '../../api.js';
import { h } from '../../dom.js';
import { failure } from '../../http.js';
import { format, formatCount } from '../../money.js';
import { verifyReceipt } from '../../receipt.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, button, facts, idText, loading } from '../../ui/index.js';

const t = text.money.receipt;
const KEYS_PATH = '/.well-known/florin-keys.json';
const LOOKS = { passed: 'good', failed: 'stop', unknown: 'wait', skipped: 'info' };

/** The section for the transfer with this id. */
export function receiptSection(id, signal) {
  return h('section', { 'aria-labelledby': 'receipt' }, h('h2', { id: 'receipt' }, t.title), h('p', { class: 'muted' }, t.intro),
    loading((own) => checked(id, own), (answer) => shown(id, answer), { signal, lines: 6 }));
}

async function checked(id, signal) {
  const [receipt, keys] = await Promise.all([bytesOf(at`/v1/transfers/${id}/receipt`, { signal }), bytesOf(KEYS_PATH, { signal, open: true })]);
  return { bytes: receipt, keys, ...await verifyReceipt(receipt, keys, { id }) };
}

/** The answer as it was sent: a receipt is checked and kept byte by byte. */
async function bytesOf(path, options) {
  const response = await call('GET', path, options);
  const buffer = await response.arrayBuffer().catch((error) => { throw failure(error, options.signal); });
  return new Uint8Array(buffer);
}

function shown(id, { bytes, keys, isProved, checks, receipt, key }) {
  const downloads = h('div', { class: 'form-buttons' },
    button(t.download, { icon: 'download', click: () => save(fileOf(bytes), t.file(id)) }),
    button(t.downloadKeys, { icon: 'download', kind: 'quiet', click: () => save(fileOf(keys), t.keysFile) }));
  return h('div', { class: 'stack' }, verdict(isProved, checks), key?.retiredAt ? h('p', null, badge('paused', { label: t.retired }), ' ', show(key.retiredAt), ' ', t.retiredHint) : null,
    h('div', { class: 'checked' }, facts(checks.map(({ name, state, fault }) => [t.checks[name], [badge(state, { look: LOOKS[state], label: t.states[state] }), fault ? [' ', faultText(fault)] : null]]))),
    checks.every((check) => check.state !== 'failed') ? said(receipt) : null, h('p', { class: 'muted' }, t.trust), downloads);
}

function verdict(isProved, checks) {
  if (isProved) return h('p', { class: 'verdict', role: 'status' }, badge('ok', { label: t.proved }));
  const hasFailed = checks.some((check) => check.state === 'failed');
  if (hasFailed) return h('p', { class: 'verdict', role: 'alert' }, badge('failed', { label: t.refused }));
  const lacksAll = checks.find((check) => check.name === 'path').state === 'unknown';
  return h('p', { role: 'status' }, badge('pending', { label: t.partly }), ' ', lacksAll ? t.noCryptography : t.noSignatures);
}

/** What the receipt itself says, which is what it proves. */
function said({ transfer, head }) {
  return facts([
    [t.says, t.saysTransfer(text.kinds[transfer.kind] ?? String(transfer.kind), text.status[transfer.status] ?? String(transfer.status), format(transfer.amount, transfer.currency))],
    [t.commit, t.commitOf(formatCount(head.number))],
    [t.ledger, idText(head.ledger)],
    [t.at, show(head.at)],
    [t.signedBy, h('code', null, head.key_id)],
  ]);
}

function faultText({ code, member }) {
  return h('span', null, t.faults[code] ?? code, member ? [' ', h('code', null, member)] : null);
}

function fileOf(bytes) {
  return new Blob([bytes], { type: 'application/json' });
}
