// A bar that fills, with the same in words beside it.
import { h, mount } from '../../dom.js';
import { text } from '../../text.js';
import { percentOf, sizeText } from './files.js';

/** `progress(label)` answers `{el, set(done, total, words)}`, in bytes; `words` stand in the place of the sizes. */
export function progress(label) {
  const bar = h('progress', { 'aria-label': label, max: 100, value: 0 });
  const beside = h('span', { class: 'muted' });
  return {
    el: h('div', { class: 'progress' }, bar, beside),
    set(done, total, words) {
      const percent = percentOf(done, total);
      if (bar.value !== percent) bar.value = percent;
      mount(beside, words ?? text.imports.progress(sizeText(done), sizeText(total), percent));
    },
  };
}
