// Short news that something was done. Failures are no toasts: they stay where they happened.
import { h } from '../dom.js';
import { icon } from './icon.js';

const SHOWN_MS = 6000;
const SHOWN_MAX = 3;
const region = () => document.getElementById('toasts');

/** The place of the toasts, once in the frame. */
export function toastRegion() {
  return h('div', { id: 'toasts', class: 'toasts', role: 'status', 'aria-live': 'polite' });
}

/** Says it for some seconds. */
export function toast(words) {
  const el = h('div', { class: 'toast' }, icon('good'), h('span', null, words));
  const place = region();
  if (!place) return;
  while (place.children.length >= SHOWN_MAX) place.firstChild.remove();
  place.append(el);
  setTimeout(() => el.remove(), SHOWN_MS);
}

/** Says it to screen readers only. */
export function announce(words) {
  const el = h('div', { class: 'hidden' }, words);
  region()?.append(el);
  setTimeout(() => el.remove(), SHOWN_MS);
}
