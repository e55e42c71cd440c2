// Tables as the bank writes them (RFC 4180), from texts: an amount is in the file as the bank said it.

/** A text that a spreadsheet may take for a formula; the same rule as the bank's statements. */
const SUSPECT = /^[=+\-@\t\r\n'＝＋－＠]/;
const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;

/** The text of a table: `csv(['day', 'amount'], [['2026-01-05', '12.5']])`. Cells are texts, BigInts or whole numbers. */
export function csv(head, rows) {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** An apostrophe before what may be a formula; numbers stay as they are. */
export function guarded(text) {
  return SUSPECT.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

function cell(value) {
  const text = guarded(String(value ?? ''));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
