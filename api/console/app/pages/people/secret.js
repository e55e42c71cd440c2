// What the bank shows only once: a key's secret, a one-time token. It stays on the page until the reader has kept it.
import { h, mount, uid } from '../../dom.js';
import { text } from '../../text.js';
import { button, copyButton, facts, openDialog } from '../../ui/index.js';

/** Shows the box that `made(onDone)` answers: in its place, or in a dialog where the reader has left the page meanwhile. */
export function showSecret({ place, signal, made, onDone }) {
  if (signal.aborted) {
    const dialog = openDialog({ title: text.people.shownOnce, content: made(() => dialog.close()) });
    return;
  }
  const box = made(onDone);
  mount(place, box);
  box.focus();
}

/** `secretBox({title, words, label, secret, copy, pairs, onDone})` answers the element; `copy` names the button that copies; its heading takes the focus by `focus()`. */
export function secretBox({ title, words, label, secret, copy, pairs = [], onDone }) {
  const t = text.people;
  const id = uid('s');
  const heading = h('h2', { id, tabindex: '-1' }, title);
  const el = h('section', { class: 'secret', 'aria-labelledby': id }, heading, h('p', null, words),
    facts([[label, [h('code', { class: 'secret-text' }, secret), copyButton(secret, copy)]], ...pairs]),
    button(t.secretKept, { kind: 'primary', click: () => onDone() }));
  return { el, focus: () => heading.focus() };
}
