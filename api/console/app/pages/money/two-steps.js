// Moves money in two steps: a form, then what would happen, as the bank says in a dry run. Only the second step moves it. The
// Idempotency-Key stays the same for the same request until its outcome is recorded, whatever is pressed in between.
import { post } from '../../api.js';
import { h, mount } from '../../dom.js';
import { link } from '../../router.js';
import { text } from '../../text.js';
import { button, form, keyring, tellFailure } from '../../ui/index.js';

const t = text.money;

/**
 * `twoSteps({fields, content, buttons, requestOf(values), describe(preview, request), confirm(preview), kind, names, level, keys, signal, onDone, onChanged})`
 * answers `{el, first, reset()}`, where `first` is the form and `reset` goes back to it.
 *
 * - `requestOf`: answers `{path, body}`, or null if the form must ask for more first. May be async.
 * - `describe`: what the preview shows; `confirm`: the words of the button that moves money.
 * - `level`: the preview's heading, `h3` in a dialog.
 * - `names`: the form's field for a field of the bank, where they differ.
 * - `keys`: a keyring that outlives this form, so that a dialog that is opened again sends the same key after a lost answer.
 * - `signal`: ends a dry run. What moves money goes on when the reader leaves, and its failure is told in a dialog.
 * - `onDone(transfer)`: it was made; `onChanged()`: a refusal is recorded, or it may have been made although the answer is lost.
 */
export function twoSteps({ fields, content, buttons = [], requestOf, describe, confirm, kind = 'primary', label, names = {}, level = 'h3', keys = keyring(), signal, onDone, onChanged }) {
  const el = h('div', { class: 'stack' });

  async function ask(request, dryRun) {
    try {
      return await post(request.path, request.body, { key: keys.keyFor(request), dryRun, signal: dryRun ? signal : undefined });
    } catch (error) {
      keys.settle(error);
      if (error.transferId || error.isUncertain) onChanged?.();
      if (error.errors) error.errors = error.errors.map((one) => ({ ...one, field: names[one.field] ?? one.field }));
      throw error;
    }
  }

  function made(transfer) {
    keys.forget();
    onDone(transfer);
  }

  function showPreview(request, preview) {
    const heading = h(level, { tabindex: '-1' }, t.previewTitle);
    const recorded = h('p', { role: 'status' });
    const second = form({
      fields: [], content: [h('p', { class: 'muted' }, t.previewHint), describe(preview, request)], submit: confirm(preview), kind,
      buttons: [button(t.change, { click: showForm })],
      async onSubmit() {
        mount(recorded);
        try {
          made(await ask(request, false));
        } catch (error) {
          if (signal?.aborted || !el.isConnected) tellFailure(label, error);
          if (error.transferId) mount(recorded, link(`/transfers/${error.transferId}`, t.seeRecorded));
          throw error;
        }
      },
    });
    mount(el, heading, second, recorded);
    heading.focus();
  }

  function reset() {
    mount(el, first);
  }

  function showForm() {
    reset();
    focusFirst(first.el);
  }

  const first = form({
    fields, content, submit: t.preview, buttons, label,
    async onSubmit(values) {
      const request = await requestOf(values);
      if (request === null) return;
      const preview = await ask(request, true);
      // An answer that was lost before: the money has moved, and the dry run answers with the transfer.
      if (preview.id) made(preview);
      else showPreview(request, preview);
    },
  });
  reset();
  return { el, first, reset };
}

function focusFirst(el) {
  el.querySelector('input, select, textarea, button')?.focus();
}
