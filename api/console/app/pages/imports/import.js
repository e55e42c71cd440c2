// One import: how far it is, what became of its rows, why some were left out, and those rows.
import { at, list, page as onePage, save } from '../../api.js';
import * as charts from '../../charts.js';
import { csv } from '../../csv.js';
import { h, mount } from '../../dom.js';
import { isAbort } from '../../http.js';
import { formatCount } from '../../money.js';
import { link } from '../../router.js';
import { percent } from '../../scale.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { duration, show } from '../../time.js';
import { announce, badge, button, errorBox, facts, idText, pageHeader, table, tile, tiles } from '../../ui/index.js';
import { fileName, reasonWords, reasonsOf, sizeText } from './files.js';
import { progress } from './progress.js';
import { askUntil, readImport } from './watching.js';

const t = text.imports;
const KEPT_MAX = 1000;
const NEXT = { activities: '/reports/merchants', transactions: '/reports' };

export const page = { title: t.one, permission: 'imports:read', render };

async function render({ params: { id }, signal }) {
  const first = await readImport(id, signal);
  const [state, counts, reasons, rejects] = [stateOf(first), countsOf(), reasonsPart(), rejectsPart(first, signal)];
  const parts = [state, counts, reasons, rejects];
  const failure = h('div', null);
  let now = first;
  const draw = (one) => {
    mount(failure);
    for (const part of parts) part.update(one, now);
    now = one;
  };
  draw(first);
  if (first.status === 'RUNNING') follow(id, draw, failure, signal);
  return h('div', null, pageHeader({ title: first.file ? fileName(first.file) : t.one, sub: t.kinds[first.kind] ?? first.kind, crumbs: [['/imports', text.nav.imports]] }),
    failure, state, counts, state.facts, reasons, rejects);
}

/** Asks until the import has ended. What does not pass by itself is shown, and ends it. */
async function follow(id, draw, failure, signal) {
  const onError = (error) => mount(failure, errorBox(error, { signal }));
  const ask = async () => {
    const one = await readImport(id, signal);
    draw(one);
    if (one.status === 'RUNNING') return false;
    announce(t.ended[one.status]);
    return true;
  };
  try {
    await askUntil(ask, signal, onError);
  } catch (error) {
    if (!isAbort(error)) onError(error);
  }
}

/** The state and the bar; `facts` is what is known about the file. */
function stateOf(first) {
  const bar = progress(t.progressOf);
  const state = h('p', { class: 'pair', role: 'status' });
  const below = h('section', { 'aria-label': t.facts });
  let shown = null;
  return {
    el: h('div', { class: 'state stack' }, state, bar),
    facts: below,
    update(one) {
      const isWaiting = one.status === 'RUNNING' && one.bytes_applied === 0;
      bar.set(one.bytes_applied, one.bytes, isWaiting ? t.waiting : null);
      bar.el.hidden = one.status === 'COMPLETED';
      if (shown === one.status) return;
      shown = one.status;
      mount(state, badge(one.status), one.status === 'COMPLETED' && can('reports:read') ? [' ', link(NEXT[first.kind], t.next[first.kind])] : null);
      mount(below, factsOf(one), one.status === 'FAILED' ? h('p', null, one.rows_inserted === 0 ? t.failedHint.none : t.failedHint[one.kind]) : null);
    },
  };
}

function factsOf(one) {
  const took = one.finished_at === null ? null : duration((Date.parse(one.finished_at) - Date.parse(one.started_at)) / 1000);
  return facts([
    one.failure && [t.failure, one.failure],
    [t.beganAt, show(one.started_at)],
    one.finished_at && [t.endedAt, show(one.finished_at)],
    took && [t.took, took],
    [t.size, sizeText(one.bytes)],
    [t.id, idText(one.id, { whole: true })],
  ]);
}

/** The tiles. */
function countsOf() {
  const shown = { rows_read: tile({ label: t.rows }), rows_inserted: tile({ label: t.inserted }), rows_duplicate: tile({ label: t.duplicates }),
    rows_skipped: tile({ label: t.skipped }), amounts_coerced: tile({ label: t.coerced }) };
  const subs = { rows_inserted: () => t.newSub, rows_duplicate: () => t.duplicateSub, amounts_coerced: () => t.coercedSub,
    rows_skipped: (one) => t.skippedSub(percent(BigInt(one.rows_skipped), BigInt(one.rows_read))) };
  return {
    el: h('section', { 'aria-label': t.counts }, tiles(Object.values(shown))),
    update(one) {
      for (const [name, place] of Object.entries(shown)) place.set(formatCount(one[name]), subs[name]?.(one) ?? '');
    },
  };
}

/** The reasons as bars; drawn anew only when they have changed. */
function reasonsPart() {
  const place = h('div', null);
  let drawn = null;
  return {
    el: h('section', { 'aria-labelledby': 'reasons' }, h('h2', { id: 'reasons' }, t.reasons), place),
    update(one) {
      const key = JSON.stringify(one.skip_reasons);
      if (key === drawn) return;
      drawn = key;
      const items = reasonsOf(one.skip_reasons);
      const wasOpen = place.querySelector('details')?.open ?? false;
      mount(place, items.length === 0 ? h('p', { class: 'muted' }, t.noSkipped) : charts.rows({ label: t.reasons, desc: t.reasonsDesc, items, valueText: formatCount }));
      if (wasOpen) place.querySelector('details')?.setAttribute('open', '');
    },
  };
}

/** The rows that were left out. They are asked for when there are some, and again at the end. */
function rejectsPart(first, signal) {
  const path = at`/v1/imports/${first.id}/rejects`;
  const note = h('p', { class: 'muted' });
  const place = h('div', null);
  const saving = h('span', null);
  const failure = h('div', null);
  let rows = null;
  const saveAll = button(t.download, { icon: 'download', kind: 'quiet', async click() {
    mount(failure);
    try {
      await download(path, first.file, signal);
    } catch (error) {
      if (!isAbort(error)) mount(failure, errorBox(error, { signal }));
    }
  } });
  const head = h('div', { class: 'section-head' }, h('h2', { id: 'rejects' }, t.rejects), saving);
  const el = h('section', { 'aria-labelledby': 'rejects', hidden: true }, head, note, failure, place);
  return {
    el,
    update(one, before) {
      if (one.rows_skipped === 0) return;
      el.hidden = false;
      mount(note, one.status === 'RUNNING' ? t.rejectsRunning : one.rows_skipped > KEPT_MAX ? t.rejectsKept(formatCount(one.rows_skipped)) : null);
      if (rows === null) {
        rows = rejectsTable(path, signal);
        mount(place, rows);
        mount(saving, saveAll);
      } else if (one.status !== before.status) rows.reload();
    },
  };
}

function rejectsTable(path, signal) {
  return table({
    caption: t.rejects, captionHidden: true, signal, empty: t.noRejects,
    load: (cursor, own) => onePage(path, { cursor }, { signal: own }),
    columns: [
      { label: t.line, cell: (one) => formatCount(one.line) },
      { label: t.reason, rowHeader: true, cell: (one) => h('span', { title: one.reason }, reasonWords(one.reason)) },
      { label: t.row, cell: (one) => h('code', { class: 'raw' }, one.row) },
    ],
  });
}

/** The kept rows as `florin import --rejects` writes them. */
async function download(path, file, signal) {
  const rows = [];
  for await (const { items } of list(path, { limit: 500 }, { signal })) {
    for (const one of items) rows.push([file, one.line, one.reason, one.row]);
  }
  save(csv(['file', 'line', 'reason', 'row'], rows), `rejected-${file.replace(/\.csv$/i, '').replace(/[^\w.-]+/g, '_')}.csv`, 'text/csv;charset=utf-8');
}
