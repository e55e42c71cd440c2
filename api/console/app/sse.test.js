import assert from 'node:assert/strict';
import test from 'node:test';
import { eventReader } from './sse.js';

const WHOLE = ':\nid: A\n\nid: B\nevent: transfer.completed\ndata: {"x":1}\n\ndata: one\r\ndata: two\r\n\r\n: beat\n\ndata:\n\n';
const EVENTS = [
  { id: 'A', type: 'message', data: null },
  { id: 'B', type: 'transfer.completed', data: '{"x":1}' },
  { id: null, type: 'message', data: 'one\ntwo' },
  { id: null, type: 'message', data: '' },
];

test('events come out whole wherever the text is cut', () => {
  for (let size = 1; size <= WHOLE.length; size += 1) {
    const reader = eventReader();
    const out = [];
    for (let at = 0; at < WHOLE.length; at += size) out.push(...reader.read(WHOLE.slice(at, at + size)));
    assert.deepEqual(out, EVENTS, `pieces of ${size}`);
  }
});

test('an event that is cut off is none', () => {
  assert.deepEqual(eventReader().read('data: 1\n'), []);
});
