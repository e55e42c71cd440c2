// The people of the bank: a search and filters in the address, and the list in pages.
import { page as onePage } from '../../api.js';
import { h } from '../../dom.js';
import { link, setQuery } from '../../router.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, field, filterForm, pageHeader, table } from '../../ui/index.js';
import { nameOf } from './names.js';

const t = text.people;
const STATUSES = ['active', 'suspended', 'erased'];

export const page = { title: t.title, permission: 'users:read', render };

function render({ query, signal }) {
  const choices = (words, label) => [['', t.any], ...words.map((word) => [word, label(word)])];
  const fields = [
    field({ name: 'q', label: t.search, hint: t.searchHint, type: 'search', value: query.get('q') ?? '', maxlength: 200, plain: true }),
    field({ name: 'role', label: t.role, type: 'select', value: query.get('role') ?? '', plain: true,
      options: choices(Object.keys(text.roles), (word) => text.roles[word]) }),
    field({ name: 'status', label: t.status, type: 'select', value: query.get('status') ?? '', plain: true,
      options: choices(STATUSES, (word) => text.status[word]) }),
  ];
  const filter = filterForm({
    fields, signal, submit: t.find, label: t.filter,
    async onSubmit(values) {
      asked = values;
      setQuery(values);
      await list.reload();
    },
  });
  let asked = filter.values();
  const list = table({
    caption: t.list, captionHidden: true, signal, columns: columns(), empty: h('div', { class: 'stack' }, h('p', null, t.noPeople), h('p', null, t.noPeopleHint)),
    load: (cursor, own) => onePage('/v1/users', { ...asked, cursor }, { signal: own }),
  });
  return h('div', null, pageHeader({ title: t.title, sub: t.sub }), filter, list);
}

function columns() {
  return [
    { label: t.name, rowHeader: true, cell: (person) => link(`/people/${person.id}`, nameOf(person)) },
    { label: t.email, cell: (person) => (person.status === 'erased' ? h('span', { class: 'none' }, text.none) : person.email) },
    { label: t.role, cell: (person) => text.roles[person.role] ?? person.role },
    { label: t.status, isLead: true, cell: (person) => badge(person.status) },
    { label: t.since, cell: (person) => show(person.created_at) },
  ];
}
