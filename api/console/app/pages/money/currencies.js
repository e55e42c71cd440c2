// The currencies of ISO 4217 that wallets may have, asked for once.
import { get } from '../../api.js';
import { h } from '../../dom.js';

let asked = null;

/** `[{code, name, digits}]`, by code. */
export function currencies() {
  asked ??= get('/v1/currencies').then(({ items }) => items).catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

/** Suggestions for a field whose `list` is this id; without them a code can be typed all the same. */
export function currencySuggestions(id) {
  const el = h('datalist', { id });
  currencies().then((items) => el.append(...items.map(({ code, name }) => h('option', { value: code }, name)))).catch(() => {});
  return el;
}

/** True for three letters. */
export function isCurrency(code) {
  return /^[A-Za-z]{3}$/.test(code);
}
