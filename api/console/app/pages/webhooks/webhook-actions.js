// What is done with a webhook: test, replay, new secret, deletion.
import { del, post } from '../../api.js';
import { h } from '../../dom.js';
import { navigate } from '../../router.js';
import { text } from '../../text.js';
import { badge, confirmDialog, field, toast } from '../../ui/index.js';
import { answerOf } from './deliveries.js';
import { isEventId } from './webhook-body.js';

const t = text.webhooks;
/** Seconds for which the old secret goes on. */
const OVERLAPS = ['86400', '3600', '604800', '0'];

/** Sends a test and tells on the page how the receiver answered. */
export async function test({ path, signal, tell, refresh }) {
  const delivery = await post(`${path}/test`, undefined, { signal });
  const isGood = delivery.status === 'delivered';
  const head = h('h2', { tabindex: '-1' }, isGood ? t.testGood : t.testBad);
  const look = isGood ? {} : { look: 'stop', label: t.testFailed };
  const words = [badge(delivery.status, look), ' ', answerOf(delivery)];
  tell({ el: h('section', { class: 'stack' }, head, h('div', null, words)), focus: () => head.focus() });
  await refresh();
}

/** Asks from where on, and sends again. */
export async function replay({ path, take, refresh }) {
  const from = field({ name: 'from', type: 'select', label: t.replayFrom, plain: true, options: [['event', t.replayEvent], ['start', t.replayStart]],
    on: { change: () => show() } });
  const after = field({ name: 'after', label: t.replayAfter, hint: t.replayAfterHint, plain: true, autocomplete: 'off', maxlength: 30 });
  const show = () => { after.el.hidden = from.value === 'start'; };
  after.validate = () => (from.value === 'start' || isEventId(after.value) ? null : t.badEventId);
  const isDone = await confirmDialog({
    title: t.replayTitle, text: t.replayText, confirm: t.replayConfirm, fields: [from, after],
    async onConfirm(values) {
      take(await post(`${path}/replay`, { after: values.from === 'start' ? 'start' : values.after }));
    },
  });
  if (!isDone) return;
  toast(t.replayed);
  await refresh().catch(() => {});
}

/** Makes a new secret; `onIssued(webhook)` shows it. */
export async function rotate({ path, take, webhook }, onIssued) {
  let issued = null;
  const overlap = field({ name: 'overlap_s', type: 'select', label: t.overlap, hint: t.overlapHint, plain: true, value: OVERLAPS[0],
    options: OVERLAPS.map((seconds) => [seconds, t.overlaps[seconds]]) });
  const isDone = await confirmDialog({
    title: t.rotateTitle, text: webhook().signing === 'hmac' ? t.rotateText : t.rotateKeyText, confirm: t.rotateConfirm, fields: [overlap],
    async onConfirm(values) {
      issued = await post(`${path}/rotate-secret`, { overlap_s: Number(values.overlap_s) });
    },
  });
  if (!isDone) return;
  const { secret, ...rest } = issued;
  take(rest);
  onIssued(issued);
}

/** Deletes it for good, and goes to the list. */
export async function remove({ path, webhook, signal }) {
  const isDone = await confirmDialog({ title: t.removeTitle, kind: 'danger', confirm: t.removeConfirm,
    text: h('div', { class: 'stack' }, h('p', { class: 'mono' }, webhook().url), h('p', null, t.removeText)), onConfirm: () => del(path) });
  if (!isDone) return;
  toast(t.removed);
  if (!signal.aborted) navigate('/webhooks');
}
