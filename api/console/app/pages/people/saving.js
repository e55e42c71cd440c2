// A button that saves something as a file. What fails is shown beside it.
import { isAbort } from '../../api.js';
import { clear, h, mount } from '../../dom.js';
import { button, errorBox } from '../../ui/index.js';

/** `saving(label, run, {signal})` answers an element; `run()` answers a promise. */
export function saving(label, run, { signal } = {}) {
  const place = h('div', null);
  async function save() {
    clear(place);
    try {
      await run();
    } catch (error) {
      if (!isAbort(error)) mount(place, errorBox(error, { signal }));
    }
  }
  return h('div', { class: 'stack' }, button(label, { icon: 'download', click: save }), place);
}
