// A field for "all of them, or only these": null, or the list of those that are chosen. It fits into `form` as `field` does.
import { h, mount, uid } from '../../dom.js';
import { text } from '../../text.js';
import { TYPE_GROUPS } from './webhook-body.js';

/**
 * `choiceField({name, label, all, groups: [{label, options: [[value, label]]}], value, hint, missing})`. `all` is the label of the
 * box that stands for everything; `missing` is said when neither that nor any one is chosen.
 */
export function choiceField({ name, label, all, groups, value = null, hint, missing }) {
  const id = uid('c');
  const error = h('p', { class: 'field-error', id: `${id}-error` });
  const everything = h('input', { type: 'checkbox', id, checked: value === null, 'aria-describedby': `${id}-error`,
    on: { change: () => show() } });
  const boxes = groups.flatMap((group) => group.options.map(([one]) => [one, h('input', { type: 'checkbox', id: uid('c'),
    checked: value?.includes(one) ?? false, on: { change: () => made.setError(null) } })]));
  const inputs = new Map(boxes);
  const some = h('div', { class: 'choices' }, groups.map((group) => part(group, inputs)));
  const made = {
    el: h('fieldset', { class: 'field choice', 'aria-describedby': `${id}-error` }, h('legend', null, label),
      hint ? h('p', { class: 'hint' }, hint) : null, h('div', { class: 'check' }, everything, h('label', { for: id }, all)), some, error),
    input: everything, name, label,
    get value() { return everything.checked ? null : boxes.filter(([, input]) => input.checked).map(([one]) => one); },
    set value(next) { put(next); },
    setError(message) { mount(error, message ?? ''); },
    validate() { return made.value?.length === 0 ? missing : null; },
  };
  function show() {
    some.hidden = everything.checked;
    made.setError(null);
  }
  function put(next) {
    everything.checked = next === null || next === '';
    for (const [one, input] of boxes) input.checked = !everything.checked && next.includes(one);
    show();
  }
  some.hidden = everything.checked;
  return made;
}

/** The types of events, in words. Types that this page does not know, but the webhook has, are shown as they are written. */
export function typesField({ label, value = null, hint }) {
  const known = Object.values(TYPE_GROUPS).flat();
  const others = (value ?? []).filter((type) => !known.includes(type));
  const groups = Object.entries(TYPE_GROUPS).map(([group, types]) => ({ label: text.webhooks.groups[group], options: types.map(worded) }));
  if (others.length > 0) groups.push({ label: text.webhooks.groups.others, options: others.map(worded) });
  return choiceField({ name: 'types', label, all: text.webhooks.allTypes, groups, value, hint, missing: text.webhooks.noType });
}

/** A type as people call it. */
export function typeWords(type) {
  return text.eventTypes[type] ?? (type === 'webhook.test' ? text.webhooks.testEvent : type);
}

function worded(type) {
  return [type, typeWords(type)];
}

function part({ label, options }, inputs) {
  const boxes = options.map(([one, words]) => h('div', { class: 'check' }, inputs.get(one), h('label', { for: inputs.get(one).getAttribute('id') }, words)));
  return label ? h('fieldset', null, h('legend', null, label), boxes) : h('div', null, boxes);
}
