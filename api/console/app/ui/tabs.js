// Tabs: arrow keys move between them, as people who use a keyboard expect.
import { h, mount, uid } from '../dom.js';

/**
 * `tabs({label, tabs: [{id, label, render()}], selected, onChange(id)})` answers `{el, select(id)}`. A panel is made when it is
 * first looked at.
 */
export function tabs({ label, tabs: list, selected = list[0].id, onChange }) {
  const base = uid('t');
  const made = new Map();
  const panel = h('div', { class: 'tab-panel', role: 'tabpanel', id: `${base}-panel`, tabindex: '0' });
  const buttons = list.map((tab) => h('button', { type: 'button', role: 'tab', id: `${base}-${tab.id}`, 'aria-controls': `${base}-panel`,
    on: { click: () => pick(tab.id), keydown: (event) => move(event, tab.id) } }, tab.label));

  function select(id) {
    list.forEach((tab, n) => {
      buttons[n].setAttribute('aria-selected', String(tab.id === id));
      buttons[n].tabIndex = tab.id === id ? 0 : -1;
    });
    if (!made.has(id)) made.set(id, list.find((tab) => tab.id === id).render());
    panel.setAttribute('aria-labelledby', `${base}-${id}`);
    mount(panel, made.get(id));
  }

  function pick(id) {
    select(id);
    onChange?.(id);
  }

  function move(event, id) {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const from = list.findIndex((tab) => tab.id === id);
    const to = Number.isFinite(step) ? (from + step + list.length) % list.length : step < 0 ? 0 : list.length - 1;
    buttons[to].focus();
    pick(list[to].id);
  }

  select(list.some((tab) => tab.id === selected) ? selected : list[0].id);
  return { el: h('div', { class: 'tabs' }, h('div', { role: 'tablist', 'aria-label': label }, buttons), panel), select };
}
