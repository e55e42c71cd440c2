// A labelled input, with hint and error tied to it for screen readers.
import { h, mount, uid } from '../dom.js';
import { isValidInput, readInput } from '../money.js';
import { text } from '../text.js';

/**
 * `field({name, label, type, ...})` answers `{el, input, name, value, setError(text | null)}`.
 *
 * - `type`: an input's type, or `select` (with `options: [[value, label]]`), `textarea`, `checkbox`, `money` (decimal text,
 *   `currency` behind it).
 * - `hint`, `required`, `value`, `readonly`, `autocomplete`, `placeholder`, `list`, `min`, `max`, `maxlength`, `rows`, `on`.
 * - `check(value)`: an own rule; answers a sentence or null.
 *
 * `value` is a string (a boolean for a checkbox, a File or null for `file`); money comes without spaces.
 */
export function field(spec) {
  const id = uid('f');
  const hint = spec.hint ? h('p', { class: 'hint', id: `${id}-hint` }, spec.hint) : null;
  const error = h('p', { class: 'field-error', id: `${id}-error` });
  const input = control(spec, id, [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' '));
  const mark = spec.required || spec.type === 'checkbox' ? null : h('span', { class: 'optional' }, text.ui.optional);
  const label = h('label', { for: id }, spec.label, spec.plain || !mark ? null : [' ', mark]);
  const frame = spec.type === 'money' ? h('span', { class: 'money-input' }, input, currencyMark(spec)) : input;
  const order = spec.type === 'checkbox' ? [h('div', { class: 'check' }, frame, label), hint, error] : [label, hint, frame, error];
  const made = {
    el: h('div', { class: `field field-${spec.type ?? 'text'}` }, order),
    input, name: spec.name, label: spec.label,
    get value() { return valueOf(input, spec); },
    set value(value) { put(input, spec, value); },
    setError(message) { showError(input, error, message); },
    validate() { return fault(made.value, spec); },
    setCurrency(code) { mount(frame.lastChild, code ?? ''); },
  };
  input.addEventListener('input', () => made.setError(null));
  if (spec.type === 'select' && spec.value !== undefined) input.value = spec.value;
  return made;
}

/** The values without the empty ones, for a body. */
export function compact(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined));
}

function control(spec, id, describedBy) {
  const { name, required, readonly, autocomplete, placeholder, min, max, maxlength, list, accept, on } = spec;
  const common = { id, name, 'aria-describedby': describedBy, 'aria-required': required ? 'true' : null, readonly, autocomplete, placeholder,
    min, max, maxlength, list, accept, on };
  if (spec.type === 'select') {
    return h('select', common, spec.options.map(([value, label]) => h('option', { value }, label)));
  }
  if (spec.type === 'textarea') return h('textarea', { ...common, rows: spec.rows ?? 3, value: spec.value ?? '' });
  if (spec.type === 'checkbox') return h('input', { ...common, type: 'checkbox', checked: spec.value === true });
  if (spec.type === 'money') {
    return h('input', { ...common, type: 'text', inputmode: 'decimal', autocomplete: 'off', value: spec.value ?? '' });
  }
  return h('input', { ...common, type: spec.type ?? 'text', ...(spec.type === 'file' ? {} : { value: spec.value ?? '' }) });
}

function currencyMark({ currency }) {
  return h('span', { class: 'currency' }, currency ?? '');
}

function valueOf(input, { type }) {
  if (type === 'checkbox') return input.checked;
  if (type === 'file') return input.files[0] ?? null;
  if (type === 'money') return readInput(input.value);
  return type === 'password' || type === 'textarea' ? input.value : input.value.trim();
}

function put(input, { type }, value) {
  if (type === 'checkbox') input.checked = value === true;
  else input.value = value ?? '';
}

function fault(value, { required, type, check }) {
  const isEmpty = value === '' || value === null;
  if (isEmpty) return required ? text.ui.required : null;
  if (required && value === false) return text.ui.required;
  if (type === 'money' && !isValidInput(value)) return text.ui.badAmount;
  return check?.(value) ?? null;
}

function showError(input, el, message) {
  if (message) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
  if (el.textContent !== (message ?? '')) mount(el, message ?? '');
}
