// The deliveries of a webhook. Rows that are there are drawn anew in their place, so that the reader keeps the place and the focus.
import { at, get, page as onePage, post } from '../../api.js';
import { h, mount, uid } from '../../dom.js';
import { setQuery } from '../../router.js';
import { text } from '../../text.js';
import { ago, show } from '../../time.js';
import { badge, button, idText, table, toast } from '../../ui/index.js';
import { typeWords } from './choice-field.js';
import { needsWaiting, planRefresh } from './delivery-plan.js';

const t = text.webhooks;
const STATUSES = ['pending', 'delivered', 'parked'];
const EXCERPT_SHORT = 80;
const NEWEST = 100;
const PENDING = 500;
const ROWS_MAX = 500;

/**
 * `deliveries({id, query, signal, attempt})` answers `{el, refresh(), hasPending()}`. `attempt(work)` shows on the page what `work`
 * throws.
 */
export function deliveries({ id, query, signal, attempt }) {
  const path = at`/v1/webhooks/${id}/deliveries`;
  const shown = new Map();
  let status = STATUSES.includes(query.get('status')) ? query.get('status') : '';
  let loads = 0;

  const retry = (item) => attempt(async () => {
    take(await post(at`/v1/webhooks/${id}/deliveries/${item.id}/retry`, undefined, { signal }));
    toast(t.retried);
  });
  const list = table({
    caption: t.deliveries, captionHidden: true, signal, empty: () => (status === '' ? t.noDeliveries : t.noDeliveriesOf), columns: columns(shown, retry),
    async load(cursor, own) {
      loads += 1;
      try {
        const answer = await onePage(path, { status, cursor }, { signal: own });
        if (cursor === null && !own.aborted) shown.clear();
        return answer;
      } finally {
        loads -= 1;
      }
    },
  });

  function take(item) {
    const row = shown.get(item.id);
    if (row) row.draw(item);
    else if (status === '' || status === item.status) list.prepend(item, ROWS_MAX);
  }

  /** Looks again. What the reader asked for meanwhile goes before. */
  async function refresh() {
    if (loads > 0) return;
    const known = () => [...shown.values()].map((row) => row.item);
    const before = status;
    const newest = (await get(path, { limit: NEWEST }, { signal })).items;
    const waiting = needsWaiting(known(), newest) ? await get(path, { status: 'pending', limit: PENDING }, { signal }) : null;
    if (loads > 0 || before !== status) return;
    const plan = planRefresh({ known: known(), newest, waiting, status });
    plan.changed.forEach(take);
    plan.fresh.reverse().forEach(take);
    if (plan.mustReload) await list.reload();
  }

  const pick = (word) => {
    status = word;
    setQuery({ status: word });
    list.reload();
  };
  const head = uid('d');
  const el = h('section', { 'aria-labelledby': head }, h('div', { class: 'section-head' }, h('h2', { id: head }, t.deliveries), picker(status, pick)),
    h('p', { class: 'muted' }, t.deliveriesText), list);
  return { el, refresh, hasPending: () => [...shown.values()].some((row) => row.item.status === 'pending') };
}

function picker(chosen, pick) {
  const name = uid('s');
  return h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, t.status), ['', ...STATUSES].map((word) => h('label', null,
    h('input', { type: 'radio', name, value: word, checked: word === chosen, on: { change: () => pick(word) } }),
    h('span', null, word === '' ? t.anyStatus : text.status[word]))));
}

/** The first column makes the row's parts, the others take theirs. */
function columns(shown, retry) {
  const part = (name) => (item) => shown.get(item.id)[name];
  return [
    { label: t.when, cell: (item) => { shown.set(item.id, rowOf(item, retry)); return show(item.created_at); } },
    { label: t.event, rowHeader: true, cell: (item) => typeWords(item.type) },
    { label: t.eventId, cell: (item) => idText(item.event_id) },
    { label: t.status, isLead: true, cell: part('status') },
    { label: t.attempts, align: 'end', cell: part('attempts') },
    { label: t.next, cell: part('next') },
    { label: t.answer, cell: part('answer') },
    { label: t.actions, cell: part('actions') },
  ];
}

function rowOf(item, retry) {
  const again = item.type === 'webhook.test' ? text.none : button(t.retry, { kind: 'quiet', 'aria-label': t.retryOf(typeWords(item.type), item.event_id.slice(-8)), click: () => retry(row.item) });
  const row = { item, status: h('span', null), attempts: h('span', null), next: h('span', null), answer: h('div', { class: 'answer' }), actions: again, draw };
  function draw(next) {
    row.item = next;
    mount(row.status, badge(next.status));
    mount(row.attempts, next.attempts);
    mount(row.next, next.next_attempt_at ? ago(next.next_attempt_at) : text.none);
    mount(row.answer, answerOf(next));
  }
  draw(item);
  return row;
}

/** The receiver's answer, or why there was none. */
export function answerOf({ response_status: status, response_excerpt: excerpt }) {
  const code = status === null ? null : h('code', null, status);
  if (!excerpt) return code ?? text.none;
  if (excerpt.length <= EXCERPT_SHORT) return [code, code ? ' ' : null, h('span', { class: 'muted' }, excerpt)];
  return [code, h('details', null, h('summary', null, `${excerpt.slice(0, EXCERPT_SHORT)}\u2026`), h('p', { class: 'mono' }, excerpt))];
}
