// Making an API key: what it may do, with which wallets, from where, and until when.
import { list, post } from '../../api.js';
import { h, uid } from '../../dom.js';
import { format } from '../../money.js';
import { grantable } from '../../permissions.js';
import { can, staff, user } from '../../session.js';
import { text } from '../../text.js';
import { toIso } from '../../time.js';
import { button, field, form, loading } from '../../ui/index.js';
import { checks } from './checks.js';
import { isId, keyBody, linesOf, listFaults } from './rules.js';

const t = text.people;

/** `keyForm({onMade(issued), onCancel(), signal})` answers the element. */
export function keyForm({ onMade, onCancel, signal }) {
  const id = uid('k');
  // Staff may use every wallet, which are too many to choose from.
  const content = staff() ? asking(walletIds(), onMade, onCancel)
    : loading(ownWallets, (wallets) => asking(walletChecks(wallets), onMade, onCancel), { signal, lines: 8 });
  return h('section', { 'aria-labelledby': id }, h('h2', { id, tabindex: '-1' }, t.newKey), content);
}

async function ownWallets(signal) {
  const wallets = [];
  for await (const { items } of list('/v1/wallets', null, { signal })) wallets.push(...items);
  return wallets;
}

function asking(wallets, onMade, onCancel) {
  const words = grantable(user().role).filter(can);
  const scopes = checks({ name: 'scopes', legend: t.scopesLegend, hint: t.scopesHint, missing: t.scopesNone,
    options: words.map((word) => [word, t.scopes[word] ?? word, word]) });
  const addresses = field({ name: 'addresses', label: t.onlyAddresses, hint: t.onlyAddressesHint, type: 'textarea' });
  const fields = [
    field({ name: 'name', label: t.keyName, hint: t.keyNameHint, required: true, maxlength: 100, autocomplete: 'off' }),
    scopes, wallets, addresses,
    field({ name: 'expires_at', label: t.expires, hint: t.expiresHint, type: 'datetime-local',
      check: (value) => (Date.parse(toIso(value)) > Date.now() ? null : t.notFuture) }),
  ];
  return form({
    fields, submit: t.makeKey, label: t.newKey, buttons: [button(text.ui.cancel, { click: () => onCancel() })],
    async onSubmit(values) {
      const body = keyBody({ ...values, wallet_ids: [values.wallet_ids].flat().flatMap(linesOf), addresses: linesOf(values.addresses) }, toIso(values.expires_at));
      if (body.wallet_ids && body.scopes.includes('wallets:open')) return refuse(scopes);
      return onMade(await post('/v1/api-keys', body).catch((error) => { throw placed(error, fields, body); }));
    },
  });
}

function refuse(scopes) {
  scopes.setError(t.opensOthers);
  scopes.input.focus();
}

/** Says at the field which of its values is refused. */
function placed(error, fields, body) {
  for (const { name, value, message } of listFaults(error.errors ?? [], body)) {
    fields.find((one) => one.name === name)?.setError(t.valueSays(value, message));
  }
  return error;
}

function walletChecks(wallets) {
  return checks({ name: 'wallet_ids', legend: t.onlyWallets, hint: wallets.length === 0 ? t.noOwnWallets : t.onlyWalletsHint,
    options: wallets.map((wallet) => [wallet.id, wallet.currency, format(wallet.balance)]) });
}

function walletIds() {
  return field({ name: 'wallet_ids', label: t.onlyWallets, hint: t.onlyWalletsIds, type: 'textarea',
    check: (value) => (linesOf(value).every(isId) ? null : t.badIds) });
}
