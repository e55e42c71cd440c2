// One webhook: what it is, what can be done with it, and its deliveries, looked at again while something may come.
import { at, get, isAbort, patch } from '../../api.js';
import { h, mount } from '../../dom.js';
import { poll } from '../../live.js';
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { ago, show } from '../../time.js';
import { badge, button, copyButton, errorBox, facts, idText, loading, openDialog, pageHeader, toast } from '../../ui/index.js';
import { typeWords } from './choice-field.js';
import { deliveries } from './deliveries.js';
import { remove, replay, rotate, test } from './webhook-actions.js';
import { changeBody } from './webhook-body.js';
import { choosable, secretPanel, walletsText, webhookForm } from './webhook-form.js';

const t = text.webhooks;
const EVERY_MS = 4000;

export const page = { title: t.one, permission: 'webhooks:write', render };

async function render({ params, query, signal }) {
  const path = at`/v1/webhooks/${params.id}`;
  let webhook = await get(path, null, { signal });
  const parts = { news: h('div', null), state: h('span', { role: 'status' }), facts: h('div', null), form: h('div', null) };

  function take(next) {
    const isOther = JSON.stringify(next) !== JSON.stringify(webhook);
    webhook = next;
    if (isOther) draw();
  }
  function draw() {
    const h1 = header.querySelector('h1');
    if (h1.textContent !== titleOf(webhook)) mount(h1, titleOf(webhook));
    // Only what differs is drawn: a screen reader says the state again, and a reader in the facts would lose the place.
    const state = `${webhook.status} ${webhook.disabled_reason ?? ''}`;
    if (parts.state.dataset.state !== state) mount(parts.state, badge(webhook.status), webhook.disabled_reason ? [' ', webhook.disabled_reason] : null);
    parts.state.dataset.state = state;
    if (!parts.facts.contains(document.activeElement)) mount(parts.facts, factsOf(webhook));
    mount(toggle.querySelector('span'), webhook.status === 'active' ? t.pause : t.activate);
  }
  async function attempt(work) {
    mount(parts.news);
    try {
      await work();
    } catch (error) {
      if (isAbort(error)) return;
      const box = errorBox(error, { signal });
      mount(parts.news, box);
      box.focus();
    }
  }
  const tell = (panel) => {
    mount(parts.news, panel);
    panel.focus?.();
  };
  const list = deliveries({ id: params.id, query, signal, attempt });
  const context = { path, signal, tell, take, webhook: () => webhook, refresh: () => list.refresh() };
  const toggle = button(t.pause, { click: () => attempt(() => turn(context)) });
  const edit = button(t.edit, { click: () => openEdit(context, parts.form, edit) });
  const header = pageHeader({
    title: titleOf(webhook), sub: parts.state, crumbs: [['/webhooks', t.title]],
    actions: [button(t.test, { click: () => attempt(() => test(context)) }), edit, toggle, button(t.replay, { click: () => replay(context) }),
      button(t.rotate, { click: () => rotate(context, (issued) => (signal.aborted ? openDialog({ title: t.rotateTitle, content: secretPanel(issued) }) : tell(secretPanel(issued)))) }), button(t.remove, { kind: 'danger', click: () => remove(context) })],
  });
  draw();
  follow(context, list, parts.news);
  return h('div', null, header, parts.news, parts.form, h('section', null, parts.facts), list);
}

function titleOf(webhook) {
  return webhook.description ?? webhook.url;
}

function factsOf(hook) {
  const waits = new URLSearchParams({ order: 'oldest', after: hook.sent_through, ...(hook.types ? { types: hook.types.join(',') } : {}) });
  return facts([
    [t.url, h('span', { class: 'mono' }, hook.url)],
    [t.types, hook.types === null ? t.allTypes : hook.types.map(typeWords).join(', ')],
    [t.wallets, walletsText(hook)],
    [t.order, hook.ordered ? t.isOrdered : t.isUnordered],
    [t.signing, t.schemes[hook.signing]],
    hook.public_key && [t.publicKey, h('span', { class: 'id-text' }, h('code', null, hook.public_key), copyButton(hook.public_key, t.copyKey))],
    can('webhooks:manage') && [t.owner, [idText(hook.user_id, { to: can('users:read') ? `/people/${hook.user_id}` : undefined }), hook.bank_wide ? h('span', { class: 'muted' }, ' ', t.bankWide) : null]],
    hook.failing_since && [t.failingSince, ago(hook.failing_since)],
    [t.sentThrough, [idText(hook.sent_through), ' ', link(`/events?${waits}`, t.waits)]],
    [t.made, show(hook.created_at)],
    [t.changed, show(hook.updated_at)],
  ]);
}

/** Pauses an active one; makes any other active. */
async function turn({ path, webhook, take, signal }) {
  const status = webhook().status === 'active' ? 'paused' : 'active';
  take(await patch(path, { status }, { signal }));
  toast(status === 'active' ? t.activated : t.pausedNow);
}

/** Shows the form between the header and the facts. A second press leaves what was typed as it is. */
function openEdit({ path, signal, webhook, take }, place, opener) {
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
    setTimeout(first);
    return webhookForm({
      webhook: webhook(), wallets, submit: t.save, buttons: [button(text.ui.cancel, { click: close })],
      async onSubmit(values) {
        take(await patch(path, changeBody(webhook(), values), { signal }));
        close();
        toast(t.saved);
      },
    });
  };
  mount(place, h('section', null, h('h2', null, t.edit), loading((own) => choosable(own), draw, { signal, lines: 8 })));
}

/** Looks again while the webhook is active, or something is pending. */
function follow({ path, take, webhook, signal }, list, news) {
  const ask = async () => {
    if (webhook().status !== 'active' && !list.hasPending()) return;
    take(await get(path, null, { signal }));
    await list.refresh();
  };
  poll(ask, EVERY_MS, signal).catch((error) => {
    if (!isAbort(error)) mount(news, errorBox(error, { signal }));
  });
}
