// Imports of all servers and commands, newest first, with those that run moving; and the form that sends a file.
import { get, page as onePage } from '../../api.js';
import { h, mount } from '../../dom.js';
import { formatCount } from '../../money.js';
import { link, setQuery } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, button, field, filterForm, pageHeader, table } from '../../ui/index.js';
import { KINDS, STATUSES, fileName, sizeText } from './files.js';
import { progress } from './progress.js';
import { uploadSection } from './upload.js';
import { askUntil, readImport } from './watching.js';

const t = text.imports;
/** The cells that move while an import runs. */
const COUNTS = ['rows_read', 'rows_inserted', 'rows_duplicate', 'rows_skipped'];
const RUNNING_MAX = 100;

export const page = { title: text.nav.imports, permission: 'imports:read', render };

function render({ query, signal }) {
  // A file that is dropped beside the field must not replace the page.
  for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault(), { signal });
  return h('div', null, pageHeader({ title: text.nav.imports, sub: t.sub }), can('imports:write') ? uploadSection(signal) : null, listSection(query, signal));
}

function listSection(query, signal) {
  const kind = choice('kind', t.kind, KINDS, t.kinds, query);
  const status = choice('status', t.status, STATUSES, text.status, query);
  const moving = movingRows(signal);
  const filter = filterForm({
    fields: [kind, status], signal, submit: t.find, label: t.filter,
    async onSubmit(values) {
      setQuery(values);
      mount(empty, emptyWords(values));
      await list.reload();
    },
  });
  const empty = h('div', { class: 'stack' }, emptyWords({ kind: kind.value, status: status.value }));
  const list = table({
    caption: t.list, captionHidden: true, signal, empty,
    async load(cursor, own) {
      const answer = await onePage('/v1/imports', { kind: kind.value, status: status.value, cursor }, { signal: own });
      if (cursor === null) moving.forget();
      return answer;
    },
    columns: [
      { label: t.file, rowHeader: true, cell: (one) => link(`/imports/${one.id}`, one.file ? fileName(one.file) : text.none) },
      { label: t.kind, cell: (one) => t.kinds[one.kind] ?? one.kind },
      { label: t.began, cell: (one) => show(one.started_at) },
      { label: t.status, isLead: true, cell: moving.status },
      ...COUNTS.map((name, n) => ({ label: [t.rows, t.inserted, t.duplicates, t.skipped][n], align: 'end', cell: (one) => moving.count(one, name) })),
      { label: t.size, align: 'end', cell: (one) => sizeText(one.bytes) },
    ],
  });
  return h('section', { 'aria-labelledby': 'list' }, h('div', { class: 'section-head' }, h('h2', { id: 'list' }, t.list),
    button(t.again, { kind: 'quiet', click: () => list.reload() })), filter, list);
}

function choice(name, label, values, words, query) {
  const asked = query.get(name);
  return field({ name, label, type: 'select', plain: true, value: values.includes(asked) ? asked : '',
    options: [['', t.any], ...values.map((value) => [value, words[value]])] });
}

function emptyWords({ kind, status }) {
  if (kind || status) return [h('p', null, t.emptyFiltered), h('p', null, t.filteredHint)];
  return [h('p', null, t.empty), h('p', null, can('imports:write') ? t.emptyHint : t.emptyHintReader)];
}

/** Cells of the imports that run, which are asked for until none runs any more. */
function movingRows(signal) {
  const rows = new Map();
  let isAsking = false;

  function watch(one) {
    if (one.status !== 'RUNNING') return null;
    if (!rows.has(one.id)) rows.set(one.id, []);
    start();
    return rows.get(one.id);
  }

  function start() {
    if (isAsking) return;
    isAsking = true;
    // What does not pass ends the asking; the list shows why when it is read again.
    askUntil(ask, signal).then(() => {
      isAsking = false;
      if (rows.size > 0 && !signal.aborted) start();
    }, () => { isAsking = false; });
  }

  /** One question for those that run, and one for each that no longer does. */
  async function ask() {
    const { items } = await get('/v1/imports', { status: 'RUNNING', limit: RUNNING_MAX }, { signal });
    const now = new Map(items.map((one) => [one.id, one]));
    for (const [id, updates] of [...rows]) {
      const one = now.get(id) ?? await readImport(id, signal);
      for (const update of updates) update(one);
      // The list may have been read anew meanwhile, with other cells.
      if (one.status !== 'RUNNING' && rows.get(id) === updates) rows.delete(id);
    }
    return rows.size === 0;
  }

  return {
    forget: () => rows.clear(),
    status(one) {
      const updates = watch(one);
      if (updates === null) return badge(one.status);
      const bar = progress(t.progressOf);
      const cell = h('div', null);
      const draw = (next) => {
        if (next.status === 'RUNNING') bar.set(next.bytes_applied, next.bytes);
        else mount(cell, badge(next.status));
      };
      mount(cell, badge(one.status), bar);
      draw(one);
      updates.push(draw);
      return cell;
    },
    count(one, name) {
      const cell = h('span', null, formatCount(one[name]));
      watch(one)?.push((next) => mount(cell, formatCount(next[name])));
      return cell;
    },
  };
}
