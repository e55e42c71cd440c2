// Buttons. While one works it cannot be pressed a second time, and keeps the focus.
import { h, mount } from '../dom.js';
import { text } from '../text.js';
import { icon } from './icon.js';

/**
 * `button('Freeze', {kind, icon, type, on, ...})`; `kind` is `primary`, `danger`, `quiet` or nothing. What `click` answers is
 * awaited: meanwhile the button is busy. What it throws the caller must handle.
 */
export function button(label, { kind = '', icon: name, type = 'button', click, ...props } = {}) {
  const el = h('button', { class: `button ${kind}`, type, ...props }, name ? icon(name) : null, h('span', null, label));
  if (click) {
    el.addEventListener('click', async (event) => {
      if (isBusy(el)) return;
      setBusy(el, true);
      try {
        await click(event);
      } finally {
        setBusy(el, false);
      }
    });
  }
  return el;
}

/** True while it works. */
export function isBusy(el) {
  return el.getAttribute('aria-disabled') === 'true';
}

/** Marks the button as working, without taking the focus from it. */
export function setBusy(el, busy) {
  if (busy) el.setAttribute('aria-disabled', 'true');
  else el.removeAttribute('aria-disabled');
}

/** A button that copies `value()` and says so. */
export function copyButton(value, label) {
  const said = h('span', { class: 'hidden', role: 'status' });
  const el = h('button', { class: 'copy', type: 'button', 'aria-label': label, title: label, on: { click: async () => {
    const isCopied = await copied(typeof value === 'function' ? value() : value);
    mount(said, isCopied ? text.ui.copied : text.ui.notCopied);
    el.dataset.done = isCopied ? 'yes' : 'no';
    setTimeout(() => { delete el.dataset.done; mount(said); }, 2000);
  } } }, icon('copy'));
  return h('span', { class: 'copy-frame' }, el, said);
}

/** Without TLS a browser has no clipboard for pages; the old command still works. */
async function copied(value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const area = h('textarea', { class: 'hidden', 'aria-hidden': 'true', tabindex: '-1', value });
    const before = document.activeElement;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand?.('copy') ?? false;
    area.remove();
    before?.focus();
    return isCopied;
  }
}
