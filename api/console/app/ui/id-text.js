// An id that fits into a table: its end, which tells ids of the same time apart, and a button that copies all of it.
import { h } from '../dom.js';
import { link } from '../router.js';
import { text } from '../text.js';
import { copyButton } from './button.js';

const SHOWN = 8;

/** `idText(id, {to, whole, label})`: with `to` a link to that path; `whole` shows all of it. */
export function idText(id, { to, whole = false, label } = {}) {
  if (!id) return h('span', { class: 'none' }, text.none);
  const shown = whole || id.length <= SHOWN + 4 ? id : `\u2026${id.slice(-SHOWN)}`;
  const words = label ?? h('code', null, shown);
  const named = to ? link(to, words, { title: id }) : h('span', { title: id }, words);
  return h('span', { class: 'id-text' }, named, copyButton(id, text.ui.copyId(id)));
}
