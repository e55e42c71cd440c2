// A form that is sent once at a time, shows each refusal where it belongs, and loses nothing that was typed.
import { newKey } from '../api.js';
import { h, mount } from '../dom.js';
import { isAbort } from '../http.js';
import { text } from '../text.js';
import { button, isBusy, setBusy } from './button.js';
import { errorBox } from './error-box.js';

/**
 * `form({fields, submit, onSubmit, ...})` answers `{el, values(), check(), send(), showError(error), clearErrors(), setFields(fields)}`.
 *
 * - `fields`: what `field` answers; `content` puts other elements in their place (name the fields in `fields` all the same).
 * - `submit`: the button's words; `kind`: its kind; `buttons`: further buttons beside it; `label`: the form's name
 *   for screen readers.
 * - `onSubmit(values, {key})`: sends. The key stays the same as long as the values do, so trying again moves money once. What it
 *   throws is shown.
 */
export function form({ fields, content, submit, kind = 'primary', buttons = [], onSubmit, label }) {
  let all = fields;
  const summary = h('div', { class: 'form-summary' });
  const send = button(submit, { kind, type: 'submit' });
  const body = h('div', { class: 'form-fields' }, content ?? fields);
  const keys = keyring();
  const el = h('form', { class: 'form', novalidate: true, 'aria-label': label ?? null }, summary, body, h('div', { class: 'form-buttons' }, send, buttons));
  const made = {
    el,
    values: () => Object.fromEntries(all.map((one) => [one.name, one.value])),
    clearErrors() { mount(summary); all.forEach((one) => one.setError(null)); },
    showError(error) { showFailure(error, all, summary); },
    setFields(next, nextContent) { all = next; mount(body, nextContent ?? next); },
    /** Checks the fields; true if they are fit to send. The first that is not gets the focus. */
    check() { made.clearErrors(); return areFit(all); },
    async send() {
      if (isBusy(send) || !made.check()) return;
      setBusy(send, true);
      const values = made.values();
      const key = keys.keyFor(values);
      try {
        await onSubmit(values, { key });
        keys.forget();
      } catch (error) {
        if (isAbort(error)) return;
        keys.settle(error);
        made.showError(error);
      } finally {
        setBusy(send, false);
      }
    },
  };
  el.addEventListener('submit', (event) => {
    event.preventDefault();
    made.send();
  });
  return made;
}

/**
 * The keys of one form. The same values get the same key until the bank has recorded an outcome: so a request whose answer was
 * lost can be sent again without moving money twice, also when the values were changed and changed back.
 */
export function keyring(fresh = newKey) {
  const held = new Map();
  let last = null;
  return {
    keyFor(values) {
      last = JSON.stringify(values);
      if (!held.has(last)) held.set(last, fresh());
      return held.get(last);
    },
    /** After a refusal: one that is recorded has used the key up. */
    settle(error) {
      if (error.transferId || error.code === 'idempotency_key_reused') held.delete(last);
    },
    forget() { held.clear(); },
  };
}

function areFit(fields) {
  const bad = fields.filter((one) => {
    const message = one.validate?.() ?? null;
    if (message) one.setError(message);
    return message;
  });
  bad[0]?.input.focus();
  return bad.length === 0;
}

/** Puts each error of the problem to its field, and everything into a summary above, which takes the focus. */
function showFailure(error, fields, summary) {
  const rest = [];
  for (const { field: path, message } of error.errors ?? []) {
    const one = fieldOf(path, fields);
    if (one) one.setError(text.ui.fieldSays(message));
    else rest.push(h('li', null, path ? [h('code', null, path), ' '] : null, message));
  }
  const box = errorBox(error, {});
  const kept = error.isUncertain ? h('p', null, text.errors.sendAgain) : null;
  mount(summary, box);
  box.lastChild.append(...[rest.length > 0 ? h('ul', null, rest) : null, kept].filter(Boolean));
  box.focus();
}

function fieldOf(path, fields) {
  const last = path.split(/[.[\]]+/).filter(Boolean).at(-1);
  return fields.find((one) => one.name === path) ?? fields.find((one) => one.name === last);
}
