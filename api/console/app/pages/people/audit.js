// The audit log with its filters in the address, and all that they admit as a table for spreadsheets.
import { download, get, page as onePage } from '../../api.js';
import { h } from '../../dom.js';
import { setQuery } from '../../router.js';
import { text } from '../../text.js';
import { toIso, toLocalInput, utcDay } from '../../time.js';
import { field, filterForm, pageHeader } from '../../ui/index.js';
import { actionWords, auditTable } from './audit-table.js';
import { isId, keptTime, meantUser } from './rules.js';
import { saving } from './saving.js';

const t = text.people;
/** How many users are looked at to find the one who is meant. */
const FOUND_MAX = 20;

export const page = { title: t.audit, permission: 'audit:read', render };

function render({ query, signal }) {
  const given = (name) => query.get(name) ?? '';
  let asked = { actor: given('actor'), action: given('action'), subject: given('subject'), from: given('from'), to: given('to') };
  const fields = filterFields(asked);
  const [actor, , , , to] = fields;
  const filter = filterForm({
    fields, signal, submit: t.find, label: t.filter,
    async onSubmit(values) {
      const time = (name) => keptTime(values[name], asked[name], { toIso, toLocalInput });
      const next = { ...values, from: time('from'), to: time('to') };
      if (next.from && next.to && Date.parse(next.to) < Date.parse(next.from)) return refuse(to, t.badRange);
      next.actor = await actorId(actor, signal);
      if (next.actor === null) return undefined;
      asked = next;
      actor.value = next.actor;
      setQuery(asked);
      return list.reload();
    },
  });
  const list = auditTable({ caption: t.auditList, empty: () => (Object.values(asked).some(Boolean) ? t.noLines : t.noLinesYet), signal,
    load: (cursor, own) => onePage('/v1/audit', { ...params(asked), cursor }, { signal: own }) });
  const csv = saving(t.csv, () => download('/v1/audit', 'text/csv', t.csvName(utcDay()), { params: params(asked), signal }), { signal });
  return h('div', null, pageHeader({ title: t.audit, sub: t.auditSub, actions: [csv] }), filter, list);
}

function filterFields(asked) {
  const actions = Object.keys(t.auditActions);
  if (asked.action && !actions.includes(asked.action)) actions.push(asked.action);
  const options = [['', t.any], ...actions.map((word) => [word, actionWords(word)])];
  return [
    field({ name: 'actor', label: t.actor, hint: t.actorHint, value: asked.actor, maxlength: 200, plain: true }),
    field({ name: 'action', label: t.action, type: 'select', options, value: asked.action, plain: true }),
    field({ name: 'subject', label: t.subject, hint: t.subjectHint, value: asked.subject, plain: true, check: (value) => (isId(value) ? null : t.badId) }),
    field({ name: 'from', label: t.from, type: 'datetime-local', value: toLocalInput(asked.from), plain: true }),
    field({ name: 'to', label: t.to, type: 'datetime-local', value: toLocalInput(asked.to), plain: true }),
  ];
}

function params({ actor, action, subject, from, to }) {
  return { actor_id: actor, action, subject_id: subject, from, to };
}

/** The id that the field means, '' where it is empty, or null after the field says why not. */
async function actorId(actor, signal) {
  if (actor.value === '' || isId(actor.value)) return actor.value;
  const { items } = await get('/v1/users', { q: actor.value, limit: FOUND_MAX }, { signal });
  const user = meantUser(actor.value, items);
  if (user === null) refuse(actor, items.length === 0 ? t.actorNone : t.actorSeveral);
  return user?.id ?? null;
}

function refuse(one, message) {
  one.setError(message);
  one.input.focus();
}
