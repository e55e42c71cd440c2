// Dialogs, with the browser's own <dialog>: it keeps the focus inside, closes by Escape and gives the focus back.
import { h, uid } from '../dom.js';
import { isAbort } from '../http.js';
import { text } from '../text.js';
import { button } from './button.js';
import { errorBox } from './error-box.js';
import { form } from './form.js';
import { icon } from './icon.js';

/** `openDialog({title, content, onClose})` shows it and answers `{el, close()}`. `onClose()` is called however it closes. */
export function openDialog({ title, content, onClose }) {
  const id = uid('d');
  const close = h('button', { class: 'copy', type: 'button', 'aria-label': text.ui.close, on: { click: () => el.close() } }, icon('close'));
  const el = h('dialog', { class: 'dialog', 'aria-labelledby': id }, h('header', null, h('h2', { id }, title), close), h('div', { class: 'dialog-body' }, content));
  const opener = document.activeElement;
  el.addEventListener('close', () => {
    el.remove();
    if (document.activeElement === document.body) opener?.focus?.();
    onClose?.();
  });
  document.body.append(el);
  el.showModal();
  return { el, close: () => el.close() };
}

/** Tells of a failure whose form has gone meanwhile: the reader may think that nothing was sent. */
export function tellFailure(title, error) {
  if (isAbort(error)) return;
  openDialog({ title, content: h('div', { class: 'stack' }, errorBox(error), h('p', null, text.errors.leftMeanwhile)) });
}

/**
 * Asks before something is done: `confirmDialog({title, text, confirm, kind, fields, onConfirm(values, {key})})`. What
 * `onConfirm` throws is shown in the dialog, which stays. Resolves to true when it was done, to false when it was not. A dialog
 * that is closed while it sends resolves when the answer is there: it may bring a secret that is shown only once.
 */
export function confirmDialog({ title, text: words, confirm, kind = 'primary', fields = [], onConfirm }) {
  return new Promise((resolve) => {
    let isDone = false;
    let sent = Promise.resolve();
    const act = async (values, extra) => {
      try {
        await onConfirm?.(values, extra);
        isDone = true;
      } catch (error) {
        if (!shown.el.open) tellFailure(title, error);
        throw error;
      }
    };
    const sending = form({
      fields, submit: confirm, kind,
      buttons: [button(text.ui.cancel, { click: () => shown.close() })],
      async onSubmit(values, extra) {
        sent = act(values, extra);
        await sent;
        shown.close();
      },
    });
    const content = [words ? h('div', { class: 'dialog-text' }, typeof words === 'string' ? h('p', null, words) : words) : null, sending];
    const shown = openDialog({ title, content, onClose: () => sent.catch(() => {}).then(() => resolve(isDone)) });
  });
}
