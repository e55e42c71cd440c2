// A table of things that comes in pages. On a narrow screen each row becomes a block with its labels.
import { append, clear, h, mount } from '../dom.js';
import { isAbort } from '../http.js';
import { text } from '../text.js';
import { button } from './button.js';
import { errorBox } from './error-box.js';
import { skeleton } from './loading.js';
import { scrollRegion } from './scroll-region.js';
import { announce } from './toast.js';

const LATE_MS = 15_000;

/**
 * `table({caption, columns, items | load, empty, signal})` answers `{el, reload(), prepend(item)}`.
 *
 * - `columns`: `[{label, cell(item), align: 'end' | undefined, rowHeader: true | undefined}]`. Money and counts have `align: 'end'`.
 *   On a narrow screen a row begins with its header and, at the other end of that line, the column with `isLead: true`; one with
 *   `isWide: true` is left out there.
 * - `items`: all rows, or `load(cursor, signal)`: answers `{items, next_cursor}`; "show more" loads the next page.
 * - `empty`: what an empty list says, a string or an element that says what to do next; a function where that depends on a filter.
 * - `captionHidden`: for a table right below a heading that says the same.
 */
export function table({ caption, captionHidden = false, columns, items, load, empty = text.ui.empty, signal }) {
  const head = h('tr', { role: 'row' }, columns.map((column) => h('th', { role: 'columnheader', scope: 'col', class: column.align }, column.label)));
  const body = h('tbody', { role: 'rowgroup' });
  const grid = h('table', { role: 'table', class: 'table' }, h('caption', { class: captionHidden ? 'hidden' : '' }, caption),
    h('thead', { role: 'rowgroup' }, head), body);
  const below = h('div', { class: 'table-below' });
  const frame = scrollRegion(h('div', { class: 'table-frame' }, grid), caption);
  let round = null;

  function showEmpty() {
    const isEmpty = body.childElementCount === 0;
    frame.hidden = isEmpty;
    if (!isEmpty) return;
    const words = typeof empty === 'function' ? empty() : empty;
    mount(below, h('div', { class: 'empty' }, typeof words === 'string' ? h('p', null, words) : words));
  }

  function add(list) {
    const rows = list.map((item) => row(item, columns));
    append(body, rows);
    return rows;
  }

  async function next(cursor, own) {
    const late = setTimeout(() => mount(below, h('p', { role: 'status' }, text.app.late), button(text.app.tryAgain, { click: () => { reload(); } })), LATE_MS);
    try {
      const answer = await load(cursor, own);
      if (own.aborted) return;
      show(answer, cursor, own);
    } catch (error) {
      if (isAbort(error) || own.aborted) return;
      mount(below, errorBox(error, { retry: () => { next(cursor, own); }, signal: own }));
    } finally {
      clearTimeout(late);
      if (!own.aborted) grid.removeAttribute('aria-busy');
    }
  }

  function show(answer, cursor, own) {
    if (cursor === null) clear(body);
    const rows = add(answer.items);
    const more = answer.next_cursor ? button(text.ui.more, { click: () => next(answer.next_cursor, own) }) : null;
    const hadFocus = below.contains(document.activeElement);
    mount(below, more);
    if (cursor !== null) announce(text.ui.added(rows.length));
    if (hadFocus && rows.length > 0) focusRow(rows[0]);
    else if (hadFocus) more?.focus();
    if (more) frame.hidden = false;
    else showEmpty();
  }

  function reload() {
    if (!load) return undefined;
    round?.abort();
    round = new AbortController();
    const own = signal ? AbortSignal.any([signal, round.signal]) : round.signal;
    grid.setAttribute('aria-busy', 'true');
    if (body.childElementCount === 0) mount(below, skeleton(5));
    return next(null, own);
  }

  if (load) reload();
  else {
    add(items);
    showEmpty();
  }
  return {
    el: h('div', { class: 'table-box' }, frame, below),
    reload,
    /** Puts a new item on top; the list keeps at most `max` rows. */
    prepend(item, max = 200) {
      frame.hidden = false;
      if (body.childElementCount === 0) clear(below);
      body.prepend(row(item, columns));
      while (body.childElementCount > max) body.lastChild.remove();
    },
  };
}

function row(item, columns) {
  return h('tr', { role: 'row' }, columns.map((column) => {
    const props = { class: [column.align, column.isLead ? 'lead' : null, column.isWide ? 'wide-only' : null].filter(Boolean).join(' ') || null, dataset: { label: column.label } };
    if (column.rowHeader) return h('th', { ...props, role: 'rowheader', scope: 'row' }, column.cell(item));
    return h('td', { ...props, role: 'cell' }, column.cell(item));
  }));
}

function focusRow(el) {
  const target = el?.querySelector('a, button') ?? el;
  if (target === el) el?.setAttribute('tabindex', '-1');
  target?.focus();
}
