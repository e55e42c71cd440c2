// Reads JSON whose numbers stay the text that was sent. The reports answer with JSON numbers of any size; a JavaScript
// number would round them.

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const WORD = /true|false|null/y;
const DEPTH_MAX = 100;

/** The value of a JSON text, in which every number is a string. Throws a SyntaxError. */
export function parseExact(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.space();
  if (reader.at !== text.length) reader.fail();
  return value;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    if (depth > DEPTH_MAX) this.fail();
    this.space();
    switch (this.text[this.at]) {
      case '{': return this.object(depth);
      case '[': return this.array(depth);
      case '"': return this.string();
      case 't': case 'f': case 'n': return JSON.parse(this.take(WORD));
      default: return this.take(NUMBER);
    }
  }

  object(depth) {
    const pairs = [];
    this.items('}', () => {
      this.space();
      const key = this.string();
      this.space();
      this.expect(':');
      pairs.push([key, this.value(depth + 1)]);
    });
    return Object.fromEntries(pairs);
  }

  array(depth) {
    const values = [];
    this.items(']', () => values.push(this.value(depth + 1)));
    return values;
  }

  items(end, one) {
    this.at += 1;
    this.space();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      one();
      this.space();
      if (this.text[this.at] !== ',') break;
      this.at += 1;
    }
    this.expect(end);
  }

  string() {
    return JSON.parse(this.take(STRING));
  }

  space() {
    this.take(SPACE);
  }

  expect(sign) {
    if (this.text[this.at] !== sign) this.fail();
    this.at += 1;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) this.fail();
    this.at = pattern.lastIndex;
    return found[0];
  }

  fail() {
    throw new SyntaxError(`not JSON at ${this.at}`);
  }
}
