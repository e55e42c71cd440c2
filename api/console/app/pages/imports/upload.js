// The form that sends a file: chosen or dropped, its kind known by its columns, with a bar while it is sent.
import { upload } from '../../api.js';
import { h, mount } from '../../dom.js';
import { isAbort } from '../../http.js';
import { navigate } from '../../router.js';
import { text } from '../../text.js';
import { announce, button, field, form, toast } from '../../ui/index.js';
import { COLUMNS, KINDS, kindOf, sizeText } from './files.js';
import { progress } from './progress.js';

const t = text.imports;
/** The first line of a file is in so many bytes. */
const BEGINNING_BYTES = 4096;

/** The section. What is being sent is given up when the reader leaves. */
export function uploadSection(signal) {
  const state = h('div', { class: 'stack' });
  const note = h('p', { class: 'hint', role: 'status' });
  const chooser = kinds(() => look());
  const file = field({ name: 'file', label: t.file, type: 'file', hint: t.fileHint, required: true, accept: '.csv,text/csv',
    check: (one) => (one.size === 0 ? t.emptyFile : null), on: { change: () => look(true) } });

  /** Says what the chosen file is; a new one chooses its kind by itself. */
  async function look(isNew = false) {
    const chosen = file.value;
    mount(note);
    if (chosen === null) return;
    const found = await chosen.slice(0, BEGINNING_BYTES).text().then(kindOf, () => null);
    if (file.value !== chosen) return;
    if (isNew && found !== null) chooser.value = found;
    mount(note, noteOf(chosen, found, chooser.value));
  }

  const sending = form({
    fields: [file], content: [dropZone(file), chooser.el, note], submit: t.send, label: t.upload,
    onSubmit: (values) => send(values.file, chooser.value, state, signal),
  });
  return h('section', { 'aria-labelledby': 'upload' }, h('h2', { id: 'upload' }, t.upload), sending, state);
}

function noteOf(chosen, found, kind) {
  const size = sizeText(chosen.size);
  if (found === null) return t.unknownColumns(size, COLUMNS[kind].join(', '));
  return (found === kind ? t.chosen : t.wrongKind)(size, t.kinds[found]);
}

/** `{el, value}`: what the file's rows are. */
function kinds(onChange) {
  const radios = KINDS.map((kind, n) => h('input', { type: 'radio', name: 'kind', value: kind, checked: n === 0, on: { change: () => onChange() } }));
  return {
    el: h('fieldset', { class: 'segments' }, h('legend', null, t.kind), radios.map((radio) => h('label', null, radio, h('span', null, t.kinds[radio.value])))),
    get value() { return radios.find((radio) => radio.checked).value; },
    set value(kind) { for (const radio of radios) radio.checked = radio.value === kind; },
  };
}

/** The field, and room around it to drop a file on. */
function dropZone(file) {
  const zone = h('div', { class: 'drop' }, file);
  const mark = (isOver) => (event) => {
    event.preventDefault();
    zone.classList.toggle('over', isOver);
  };
  zone.addEventListener('dragover', mark(true));
  zone.addEventListener('dragleave', mark(false));
  zone.addEventListener('drop', (event) => {
    mark(false)(event);
    const { files } = event.dataTransfer;
    if (files.length > 1) file.setError(t.oneFile);
    if (files.length !== 1) return;
    file.input.files = files;
    file.setError(null);
    file.input.dispatchEvent(new Event('change'));
  });
  return zone;
}

async function send(file, kind, state, signal) {
  const round = new AbortController();
  const whole = AbortSignal.any([signal, round.signal]);
  const bar = progress(t.sending);
  const words = h('p', { class: 'muted' }, t.stay);
  mount(state, bar, words, button(t.cancel, { click: () => round.abort() }));
  bar.set(0, file.size);
  let isSent = false;
  // Closing the tab would give the upload up.
  addEventListener('beforeunload', (event) => event.preventDefault(), { signal: whole });
  try {
    const { id } = await upload(`/v1/imports/${kind}`, file, (sent, total) => {
      bar.set(sent, total);
      if (sent < total || total === 0) return;
      isSent = true;
      mount(words, t.sent);
      announce(t.sent);
    }, { signal: whole });
    round.abort();
    toast(t.started);
    await navigate(`/imports/${id}`);
  } catch (error) {
    const isCancelled = isAbort(error) && !signal.aborted;
    const after = isSent ? t.cancelledLate : t.cancelled;
    mount(state, isCancelled ? h('p', null, after) : null);
    if (isCancelled) announce(after);
    throw error;
  } finally {
    round.abort();
  }
}
