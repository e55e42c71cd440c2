// The webhooks: a list with the state of each, and a form that makes one and shows its secret only then.
import { page as onePage, post } from '../../api.js';
import { h, mount } from '../../dom.js';
import { link, setQuery } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { ago, show } from '../../time.js';
import { badge, button, field, filterForm, idText, loading, pageHeader, table } from '../../ui/index.js';
import { isId, newBody } from './webhook-body.js';
import { choosable, secretPanel, typesText, webhookForm } from './webhook-form.js';

const t = text.webhooks;
const STATUSES = ['active', 'paused', 'disabled'];

export const page = { title: t.title, permission: 'webhooks:write', render };

function render({ query, signal }) {
  const place = h('div', { class: 'new-webhook' });
  const filters = filterFields(query);
  const filter = filterForm({
    fields: filters, signal, submit: t.show, label: t.filter,
    async onSubmit(values) {
      setQuery(values);
      await list.reload();
    },
  });
  const list = table({
    caption: t.title, captionHidden: true, signal, empty: t.empty, columns: columns(),
    load: (cursor, own) => onePage('/v1/webhooks', { ...filter.values(), cursor }, { signal: own }),
  });
  const open = button(t.make, { kind: 'primary', click: () => openForm(place, signal, open, list) });
  return h('div', null, pageHeader({ title: t.title, sub: t.sub, actions: [open] }), place, filter, list);
}

function filterFields(query) {
  const status = field({ name: 'status', type: 'select', label: t.status, plain: true, value: query.get('status') ?? '',
    options: [['', t.anyStatus], ...STATUSES.map((word) => [word, text.status[word]])] });
  if (!can('webhooks:manage')) return [status];
  return [status, field({ name: 'user_id', label: t.ownerId, plain: true, value: query.get('user_id') ?? '', autocomplete: 'off', check: (value) => (isId(value) ? null : t.badId(value)) })];
}

function columns() {
  return [
    { label: t.url, rowHeader: true, cell: (hook) => [link(`/webhooks/${hook.id}`, hook.url), hook.description ? h('div', { class: 'muted' }, hook.description) : null] },
    { label: t.status, isLead: true, cell: (hook) => [badge(hook.status), reason(hook)] },
    { label: t.types, cell: (hook) => typesText(hook.types) },
    ...(can('webhooks:manage') ? [{ label: t.owner, cell: (hook) => [idText(hook.user_id, { to: `/people/${hook.user_id}` }), hook.bank_wide ? h('div', { class: 'muted' }, t.bankWide) : null] }] : []),
    { label: t.made, cell: (hook) => show(hook.created_at) },
  ];
}

/** Why it does not send, or since when it fails. */
function reason(hook) {
  if (hook.disabled_reason) return h('div', { class: 'muted' }, hook.disabled_reason);
  return hook.failing_since ? h('div', { class: 'muted' }, t.failingSince, ' ', ago(hook.failing_since)) : null;
}

/** Shows the form above the list. A second press leaves what was typed as it is. */
function openForm(place, signal, opener, list) {
  const first = () => place.querySelector('input')?.focus();
  if (place.querySelector('form')) {
    first();
    return;
  }
  const close = () => {
    mount(place);
    opener.focus();
  };
  const draw = (wallets) => {
    const making = webhookForm({
      wallets, submit: t.makeIt, buttons: [button(text.ui.cancel, { click: close })],
      async onSubmit(values) {
        const issued = await post('/v1/webhooks', newBody(values), { signal });
        const panel = secretPanel(issued, { rest: h('p', null, link(`/webhooks/${issued.id}`, t.toWebhook)) });
        mount(place, panel);
        panel.focus();
        list.reload();
      },
    });
    setTimeout(first);
    return making;
  };
  mount(place, h('section', null, h('h2', null, t.make), h('p', { class: 'muted' }, t.makeText), loading((own) => choosable(own), draw, { signal, lines: 8 })));
}
