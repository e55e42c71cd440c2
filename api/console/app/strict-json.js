// Reads documents that are signed: JSON in which each value has one spelling. Two documents must never say the same in
// different words, so what JSON.parse would let pass is refused here: escapes, doubled members, fractions.

const SPACE = /[ \t\n\r]*/y;
const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const STRING = /"[\x20\x21\x23-\x7f]*"/y;
const WORD = /true|false|null/y;
const WORDS = { true: true, false: false, null: null };
const DIGITS_MAX = 20;
const DEPTH_MAX = 100;

/** Why a document is refused: `code` is a word of `text.money.receipt.faults`, `member` the path of what is wrong, if known. */
export class Refused extends Error {
  constructor(code, member = '') {
    super(member ? `${code}: ${member}` : code);
    this.name = 'Refused';
    this.code = code;
    this.member = member;
  }
}

/** The value of a document's bytes. Whole numbers are BigInts, and objects have no prototype. */
export function readStrict(bytes, bytesMax) {
  if (bytes.length > bytesMax) throw new Refused('too_large');
  if (bytes.some((byte) => byte > 0x7f || byte === 0x5c)) throw new Refused('characters');
  const reader = new StrictReader(new TextDecoder('latin1').decode(bytes));
  const value = reader.value(0);
  reader.take(SPACE);
  if (reader.at !== reader.text.length) reader.fail();
  return value;
}

class StrictReader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    if (depth > DEPTH_MAX) this.fail();
    this.take(SPACE);
    switch (this.text[this.at]) {
      case '{': return this.object(depth);
      case '[': return this.array(depth);
      case '"': return this.string();
      case 't': case 'f': case 'n': return WORDS[this.take(WORD)];
      default: return this.number();
    }
  }

  object(depth) {
    const made = Object.create(null);
    this.items('}', () => {
      this.take(SPACE);
      const name = this.string();
      if (name in made) throw new Refused('doubled', name);
      this.take(SPACE);
      this.expect(':');
      made[name] = this.value(depth + 1);
    });
    return made;
  }

  array(depth) {
    const made = [];
    this.items(']', () => made.push(this.value(depth + 1)));
    return made;
  }

  items(end, one) {
    this.at += 1;
    this.take(SPACE);
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      one();
      this.take(SPACE);
      if (this.text[this.at] !== ',') break;
      this.at += 1;
    }
    this.expect(end);
  }

  string() {
    return this.take(STRING).slice(1, -1);
  }

  number() {
    const digits = this.take(INTEGER);
    if (digits === '-0' || digits.length > DIGITS_MAX) this.fail();
    return BigInt(digits);
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
    throw new Refused('not_json');
  }
}
