// One event in a table, and all of it in a dialog.
import { h } from '../../dom.js';
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { badge, copyButton, facts, idText, moneyText, openDialog } from '../../ui/index.js';

const t = text.events;

/** The columns of the feed. */
export function columns() {
  return [
    { label: t.when, cell: (event) => show(event.at) },
    { label: t.what, rowHeader: true, cell: what },
    { label: t.amount, align: 'end', isLead: true, cell: ({ data }) => (data.amount ? moneyText(data.amount, data.currency) : text.none) },
    { label: t.thing, cell: ({ data }) => idText(data.id, { to: pathOf(data) }) },
    { label: t.wallets, cell: walletsOf },
    ...(can('users:read') ? [{ label: t.actor, cell: ({ actor_id: actor }) => (actor ? idText(actor, { to: `/people/${actor}` }) : h('span', { class: 'muted' }, t.nobody)) }] : []),
  ];
}

/** Where the transfer or the wallet of an event is. */
export function pathOf(data) {
  return `${isTransfer(data) ? '/transfers' : '/wallets'}/${data.id}`;
}

function isTransfer(data) {
  return data.kind !== undefined;
}

/** A button that opens the event, in words; of a refusal with its reason. */
function what(event) {
  const words = text.eventTypes[event.type] ?? event.type;
  const isRefused = event.type === 'transfer.failed';
  const open = h('button', { class: 'link', type: 'button', on: { click: () => openEvent(event) } }, isRefused ? badge('FAILED', { label: words }) : words);
  const note = isRefused ? reasonOf(event.data) : event.data.description;
  return [open, note ? h('div', { class: 'muted note' }, note) : null];
}

function reasonOf({ kind, failure_reason: code }) {
  const words = text.money.reasons[code] ?? text.problems[code];
  return t.refused(text.kinds[kind] ?? kind, typeof words === 'string' ? words : code);
}

function walletsOf({ data }) {
  if (!isTransfer(data)) return text.none;
  const [from, to] = [data.source_wallet_id, data.destination_wallet_id].map((id) => idText(id, { to: `/wallets/${id}` }));
  return h('span', { class: 'pair' }, h('span', { class: 'hidden' }, t.from), from, h('span', { class: 'hidden' }, t.to), h('span', { 'aria-hidden': 'true' }, '\u2192'), to);
}

function openEvent(event) {
  const whole = JSON.stringify(event, null, 2);
  const content = [
    facts([
      [t.when, show(event.at)],
      [t.type, h('code', null, event.type)],
      [t.thing, link(pathOf(event.data), isTransfer(event.data) ? t.toTransfer : t.toWallet)],
      [t.id, idText(event.id, { whole: true })],
      [t.actor, event.actor_id ? idText(event.actor_id, { whole: true, to: can('users:read') ? `/people/${event.actor_id}` : undefined }) : t.nobody],
      event.request_id && [t.request, idText(event.request_id, { whole: true })],
    ]),
    h('div', { class: 'section-head' }, h('h3', null, t.object), copyButton(whole, t.copyObject)),
    h('pre', { class: 'object', tabindex: '0', role: 'region', 'aria-label': t.object }, whole),
  ];
  openDialog({ title: text.eventTypes[event.type] ?? event.type, content }).el.classList.add('wide');
}
