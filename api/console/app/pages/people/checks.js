// A group of checkboxes that a form takes as one field: its value is the list of those that are chosen.
import { h, mount, uid } from '../../dom.js';
import { text } from '../../text.js';

/**
 * `checks({name, legend, hint, options: [[value, label, note]], missing})` answers what `field` answers. `missing` is what it
 * says when none is chosen; without it that is fine.
 */
export function checks({ name, legend, hint, options, missing = null }) {
  const id = uid('c');
  const error = h('p', { class: 'field-error', id: `${id}-error` });
  const note = hint ? h('p', { class: 'hint', id: `${id}-hint` }, hint) : null;
  const mark = missing === null ? [' ', h('span', { class: 'optional' }, text.ui.optional)] : null;
  const inputs = options.map(([value], n) => h('input', { type: 'checkbox', id: `${id}-${n}`, name, value }));
  const rows = options.map(([, label, more], n) => h('div', { class: 'check' }, inputs[n],
    h('label', { for: `${id}-${n}` }, label, more ? [' ', h('small', { class: 'muted' }, more)] : null)));
  const describedBy = [note && `${id}-hint`, `${id}-error`].filter(Boolean).join(' ');
  const made = {
    el: h('fieldset', { class: 'field', 'aria-describedby': describedBy }, h('legend', null, legend, mark), note, h('div', { class: 'checks' }, rows), error),
    input: inputs[0], name, label: legend,
    get value() { return inputs.filter((input) => input.checked).map((input) => input.value); },
    setError(message) { mount(error, message ?? ''); },
    validate() { return made.value.length === 0 ? missing : null; },
  };
  for (const input of inputs) input.addEventListener('change', () => made.setError(null));
  return made;
}
