// The filters above a list: fields side by side with the button behind them. On a narrow screen they are folded, so that the list
// comes first; the words that open them say how many are set. "Clear" empties them and asks for all again.
import { h, mount } from '../dom.js';
import { text } from '../text.js';
import { button } from './button.js';
import { form } from './form.js';

const WIDE = '(min-width: 640px)';

/**
 * `filterForm({fields, content, summary, hasClear, ...})` answers what `form` does, `el` being the fold. `content` stands in the place of
 * all fields; `summary` in the place of "Filters" with their count; `hasClear: false` where none of them may be empty; `signal` ends
 * what it listens to.
 */
export function filterForm({ fields, content = fields, summary = null, hasClear = true, signal, onSubmit, ...spec }) {
  const words = h('summary', null);
  const buttons = hasClear ? [button(text.ui.clear, { kind: 'quiet', click: () => clear() })] : [];
  const made = form({ ...spec, fields, kind: '', buttons, content: h('div', { class: 'filters' }, content),
    async onSubmit(...values) {
      await onSubmit(...values);
      tell();
      if (!wide.matches && fold.contains(document.activeElement) && !fields.some(isRefused)) close();
    } });
  const fold = h('details', { class: 'fold' }, words, made.el);
  const wide = globalThis.matchMedia(WIDE);
  const fit = () => { fold.open = wide.matches; };
  const tell = () => mount(words, summary ?? text.ui.filters(fields.filter(isSet).length));
  const clear = () => {
    fields.forEach(empty);
    return made.send();
  };
  const close = () => {
    fold.open = false;
    words.focus();
  };
  wide.addEventListener('change', fit, { signal });
  fit();
  tell();
  return { ...made, el: fold };
}

/** The first choice of a list is "any". */
function isSet({ input, value }) {
  return input.tagName === 'SELECT' ? input.selectedIndex > 0 : Boolean(value);
}

function empty(one) {
  if (one.input.tagName === 'SELECT') one.input.selectedIndex = 0;
  else one.value = '';
}

function isRefused({ input }) {
  return input.getAttribute('aria-invalid') === 'true';
}
