// What is shown until an answer is there. It never waits without an end: after 15 s it says so and offers to try again.
import { h, mount } from '../dom.js';
import { isAbort } from '../http.js';
import { text } from '../text.js';
import { button } from './button.js';
import { errorBox } from './error-box.js';

const LATE_MS = 15_000;

/** Grey lines in the place of what comes, as high as it will be. */
export function skeleton(lines = 3) {
  return h('div', { class: 'skeleton' }, h('span', { class: 'hidden' }, text.ui.loading), Array.from({ length: lines }, () => h('span', { class: 'bone', 'aria-hidden': 'true' })));
}

/**
 * `loading(load, render, {signal, lines})` answers `{el, reload()}`: calls `load(signal)` and shows `render(data)`, or the failure
 * with a button. What `reload` replaces stays until the new one is there.
 */
export function loading(load, render, { signal, lines = 3 } = {}) {
  const el = h('div', { class: 'loading', 'aria-busy': 'true' }, skeleton(lines));
  let round = null;
  async function reload() {
    round?.abort();
    round = new AbortController();
    const own = signal ? AbortSignal.any([signal, round.signal]) : round.signal;
    el.setAttribute('aria-busy', 'true');
    const late = setTimeout(() => mount(el, lateBox(reload)), LATE_MS);
    try {
      const data = await load(own);
      if (!own.aborted) mount(el, await render(data));
    } catch (error) {
      if (isAbort(error) || own.aborted) return;
      mount(el, errorBox(error, { retry: reload, signal: own }));
    } finally {
      clearTimeout(late);
      if (!own.aborted) el.removeAttribute('aria-busy');
    }
  }
  reload();
  return { el, reload };
}

function lateBox(again) {
  return h('div', { class: 'late', role: 'status' }, h('p', null, text.app.late), button(text.app.tryAgain, { click: () => { again(); } }));
}
