// An amount as it stands in text and tables: tabular figures, with a sign where it goes out.
import { h } from '../dom.js';
import { format, isNegative } from '../money.js';
import { text } from '../text.js';

/** `moneyText('12.5000', 'USD', {signed})`: with `signed` a plus before what came in. */
export function moneyText(amount, currency, { signed = false } = {}) {
  if (amount === null || amount === undefined) return h('span', { class: 'none' }, text.none);
  const isOut = isNegative(amount);
  const words = `${signed && !isOut ? '+' : ''}${format(amount, currency)}`;
  return h('span', { class: `money${isOut ? ' out' : ''}` }, words);
}
