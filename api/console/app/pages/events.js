// The feed: what happens to money and wallets. Newest first it is live; oldest first it is read as a program reads it.
import { get } from '../api.js';
import { h, mount } from '../dom.js';
import { link, query, setQuery } from '../router.js';
import { text } from '../text.js';
import { toIso, toLocalInput } from '../time.js';
import { field, filterForm, idText, pageHeader, table } from '../ui/index.js';
import { columns } from './events/event-parts.js';
import { liveList } from './events/live-list.js';
import { typesField, typeWords } from './webhooks/choice-field.js';
import { isId } from './webhooks/webhook-body.js';

const t = text.events;
const EMPTY_PAGES_MAX = 20;

export const page = { title: t.title, permission: 'transfers:read', render };

function render({ signal }) {
  const place = h('div', null);
  const asked = chosen();
  const fields = filterFields(asked);
  const [types, ...others] = fields;
  const summary = h('summary', null, typesSummary(asked.types));
  const details = h('details', { class: 'types' }, summary, types);
  const filter = filterForm({
    fields, submit: t.show, label: t.filter,
    content: [others, details], signal,
    async onSubmit(values) {
      const until = values.until && values.order === 'newest' ? toIso(values.until) : null;
      setQuery({ types: values.types?.join(','), wallet_id: values.wallet_id, transfer_id: values.transfer_id, until, wallet: null, transfer: null,
        order: values.order === 'oldest' ? 'oldest' : null, after: values.order === 'oldest' ? query().get('after') : null });
      mount(summary, typesSummary(values.types));
      start();
    },
  });
  const fault = types.validate;
  types.validate = () => {
    const message = fault();
    if (message) details.open = true;
    return message;
  };
  let round = null;
  function start() {
    round?.abort();
    round = new AbortController();
    const own = AbortSignal.any([signal, round.signal]);
    const wanted = chosen();
    mount(place, wanted.order === 'oldest' ? oldestFirst(wanted, own) : liveList({ filter: wanted, until: wanted.until, signal: own }));
  }
  start();
  return h('div', null, pageHeader({ title: t.title, sub: t.sub }), filter, place);
}

/** What the address asks for. Links may use the short names. */
function chosen() {
  const params = query();
  const types = (params.get('types') ?? '').split(',').filter(Boolean);
  return {
    types: types.length === 0 ? null : types,
    wallet: params.get('wallet_id') ?? params.get('wallet') ?? '',
    transfer: params.get('transfer_id') ?? params.get('transfer') ?? '',
    until: Number.isNaN(Date.parse(params.get('until') ?? '')) ? null : new Date(params.get('until')).toISOString(),
    order: params.get('order') === 'oldest' ? 'oldest' : 'newest',
    after: params.get('after') ?? '',
  };
}

/** The types first, then those that stand side by side. */
function filterFields({ types, wallet, transfer, until, order }) {
  const check = (value) => (isId(value) ? null : t.badId);
  return [
    typesField({ label: t.types, value: types }),
    field({ name: 'order', type: 'select', label: t.order, plain: true, value: order, options: [['newest', t.newest], ['oldest', t.oldest]] }),
    field({ name: 'wallet_id', label: t.wallet, plain: true, value: wallet, autocomplete: 'off', check }),
    field({ name: 'transfer_id', label: t.transfer, plain: true, value: transfer, autocomplete: 'off', check }),
    field({ name: 'until', type: 'datetime-local', label: t.until, plain: true, value: until ? toLocalInput(until) : '' }),
  ];
}

function typesSummary(types) {
  return types ? t.typesChosen(types.map(typeWords).join(', ')) : t.typesAll;
}

/** From the first event of the bank, or after the one in the address. */
function oldestFirst({ types, wallet, transfer, after }, signal) {
  const filter = { types: types?.join(','), wallet_id: wallet, transfer_id: transfer };
  const list = table({
    caption: t.title, captionHidden: true, signal, empty: types || wallet || transfer || after ? t.emptyOldest : t.emptyNone, columns: columns(),
    load: async (cursor, own) => {
      const answer = await nextPage({ ...filter, after: cursor ?? after }, own);
      return { items: answer.items, next_cursor: answer.has_more ? answer.next_cursor : null };
    },
  });
  const begun = after ? h('p', { class: 'muted' }, t.behind, ' ', idText(after), ' ', link('/events?order=oldest', t.fromStart)) : null;
  return h('div', { class: 'stack' }, begun, list);
}

/** The next page that is not empty. */
async function nextPage(params, signal) {
  let answer;
  let after = params.after;
  for (let n = 0; n < EMPTY_PAGES_MAX; n += 1) {
    answer = await get('/v1/events', { ...params, after }, { signal });
    if (answer.items.length > 0 || !answer.has_more) break;
    after = answer.next_cursor;
  }
  return answer;
}
