// The form that makes or changes a webhook, the words for its parts, and the panel that shows a new secret only then.
import { page as onePage } from '../../api.js';
import { h } from '../../dom.js';
import { staff } from '../../session.js';
import { text } from '../../text.js';
import { copyButton, field, form, idText } from '../../ui/index.js';
import { choiceField, typesField, typeWords } from './choice-field.js';
import { idsIn, isId, WALLETS_MAX } from './webhook-body.js';

const t = text.webhooks;
const TYPES_SHOWN = 3;

/** The wallets that the person may choose from; null for the staff, who name any. */
export async function choosable(signal) {
  if (staff()) return null;
  const { items } = await onePage('/v1/wallets', { limit: 500 }, { signal });
  return items;
}

/** The form; `webhook` is the one that is changed, or null. How it signs cannot be changed. */
export function webhookForm({ webhook = null, wallets, submit, buttons, onSubmit }) {
  const fields = [
    field({ name: 'url', label: t.url, type: 'url', hint: t.urlHint, required: true, value: webhook?.url, maxlength: 2048, autocomplete: 'off' }),
    field({ name: 'description', label: t.description, value: webhook?.description ?? '', maxlength: 200 }),
    typesField({ label: t.types, value: webhook?.types ?? null }),
    walletsField(wallets, webhook?.wallet_ids ?? null),
    field({ name: 'ordered', type: 'checkbox', label: t.ordered, hint: t.orderedHint, value: webhook?.ordered ?? true }),
  ];
  if (webhook === null) {
    fields.push(field({ name: 'signing', type: 'select', label: t.signing, hint: t.signingHint, plain: true, value: 'hmac',
      options: ['hmac', 'ed25519'].map((word) => [word, t.schemes[word]]) }));
  }
  return form({ fields, submit, label: webhook === null ? t.make : t.edit, buttons, onSubmit });
}

/** A customer chooses among their wallets; the staff write ids. */
function walletsField(wallets, value) {
  if (wallets !== null) {
    const others = (value ?? []).filter((id) => !wallets.some((wallet) => wallet.id === id)).map((id) => [id, id]);
    const options = [...wallets.map((wallet) => [wallet.id, t.walletOf(wallet.currency, wallet.id.slice(-8))]), ...others];
    return choiceField({ name: 'wallet_ids', label: t.wallets, all: t.allWallets, groups: [{ options }], value, missing: t.noWallet });
  }
  const area = field({ name: 'wallet_ids', type: 'textarea', label: t.wallets, hint: t.walletsHint, value: (value ?? []).join('\n'), check: walletFault });
  return { ...area, get value() { return idsIn(area.value); } };
}

function walletFault(words) {
  const ids = idsIn(words) ?? [];
  const bad = ids.find((id) => !isId(id));
  if (bad) return t.badId(bad);
  return ids.length > WALLETS_MAX ? t.tooManyWallets(WALLETS_MAX) : null;
}

/** The types of a webhook in few words. */
export function typesText(types) {
  if (types === null) return t.allTypesShort;
  const shown = types.slice(0, TYPES_SHOWN).map(typeWords).join(', ');
  return types.length > TYPES_SHOWN ? t.andMore(shown, types.length - TYPES_SHOWN) : shown;
}

/** The wallets of a webhook, as links. */
export function walletsText(webhook) {
  if (webhook.wallet_ids === null) return webhook.bank_wide ? t.everyWallet : t.allWalletsShort;
  return h('ul', { class: 'plain' }, webhook.wallet_ids.map((id) => h('li', null, idText(id, { to: `/wallets/${id}` }))));
}

/** What the receiver must be given, in a panel that stays until the reader leaves. It takes the focus when `focus()` is called. */
export function secretPanel(issued, { rest = null } = {}) {
  const isShared = issued.secret !== null;
  const value = issued.secret ?? issued.public_key;
  const head = h('h2', { tabindex: '-1' }, isShared ? t.secretTitle : t.publicKeyTitle);
  const el = h('section', { class: 'secret stack' }, head, h('p', null, isShared ? t.secretText : t.publicKeyText),
    h('p', null, h('code', { class: 'mono' }, value), copyButton(value, isShared ? t.copySecret : t.copyKey)), rest);
  return { el, focus: () => head.focus() };
}
