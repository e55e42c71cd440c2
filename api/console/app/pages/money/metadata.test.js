import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExact } from '../../json.js';
import { flattened } from './metadata.js';

test('metadata is shown member by member, its numbers as they were sent', () => {
  const metadata = parseExact('{"order":{"id":"A-17","total":12345678901234567890.10},"tags":["a",true,null],"none":{},"list":[]}');
  assert.deepEqual(flattened(metadata), [['order.id', 'A-17'], ['order.total', '12345678901234567890.10'], ['tags.0', 'a'], ['tags.1', 'true'],
    ['tags.2', 'null'], ['none', '{}'], ['list', '[]']]);
  assert.deepEqual(flattened({}), []);
});
