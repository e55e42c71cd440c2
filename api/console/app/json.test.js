import assert from 'node:assert/strict';
import test from 'node:test';
import { parseExact } from './json.js';

test('numbers stay the text that was sent', () => {
  assert.deepEqual(parseExact('{"sum":123456789012345678.1234567891,"count":9007199254740993,"x":-0.0,"e":1E+2}'),
    { sum: '123456789012345678.1234567891', count: '9007199254740993', x: '-0.0', e: '1E+2' });
});

test('all other values are as JSON has them', () => {
  const text = ' { "a" : [ true , false , null , "q\\"\\u00e9\\n{}[]," , { } , [ ] ] , "b" : "" } ';
  assert.deepEqual(parseExact(text), JSON.parse(text));
  assert.deepEqual(Object.keys(parseExact('{"POS":2,"CARD":1}')), ['POS', 'CARD']);
  assert.equal(Object.getPrototypeOf(parseExact('{"__proto__":{"x":1}}')), Object.prototype);
});

test('what is no JSON is refused', () => {
  const deep = '['.repeat(200) + ']'.repeat(200);
  for (const bad of ['', '{', '[1,]', '{"a":1,}', '01', '1.', '.5', 'NaN', '+1', '{a:1}', "'x'", '"\n"', '1 2', '[1', 'tru', '{"a"}', deep]) {
    assert.throws(() => parseExact(bad), SyntaxError, bad);
  }
});
