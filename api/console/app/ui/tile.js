// Figures with their names, side by side.
import { h, mount } from '../dom.js';
import { text } from '../text.js';

/** `tile({label, value, sub})` answers `{el, set(value, sub)}`. It keeps its size while the value changes. */
export function tile({ label, value = text.none, sub = '' }) {
  const figure = h('dd', { class: 'tile-value' }, value);
  const below = h('dd', { class: 'tile-sub' }, sub);
  return {
    el: h('div', { class: 'tile' }, h('dt', null, label), figure, below),
    set(next, nextSub = '') {
      mount(figure, next);
      mount(below, nextSub);
    },
  };
}

/** A row of tiles. */
export function tiles(...list) {
  return h('dl', { class: 'tiles' }, list);
}

/** Facts of one thing: `facts([[label, value], ...])`; pairs whose value is null or undefined are left out. */
export function facts(pairs) {
  const shown = pairs.filter((pair) => pair && pair[1] !== null && pair[1] !== undefined);
  return h('dl', { class: 'facts' }, shown.map(([label, value]) => h('div', null, h('dt', null, label), h('dd', null, value))));
}
