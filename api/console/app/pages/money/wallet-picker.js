// Names a customer's wallet by its id, or by its owner's e-mail address or name; where the owner has several, one is chosen.
import { page as onePage } from '../../api.js';
import { h } from '../../dom.js';
import { format } from '../../money.js';
import { text } from '../../text.js';
import { field } from '../../ui/index.js';

const t = text.money;
const FOUND_MAX = 50;

/**
 * `{fields(), find()}`: `find` answers the wallet, or null after it has told at its fields what is missing. `onChange()` is
 * called when `fields` answers others than before.
 */
export function walletPicker({ value, signal, onChange }) {
  const who = field({ name: 'who', label: t.wallet, hint: t.pickerHint, required: true, value, autocomplete: 'off', maxlength: 200, on: { input: () => forget() } });
  const choice = field({ name: 'wallet', label: t.chooseWallet, type: 'select', required: true, options: [] });
  let found = null;

  function forget() {
    const hadChoice = found !== null;
    found = null;
    if (hadChoice) onChange();
    who.input.focus();
  }

  function offer(wallets, isCut) {
    found = wallets;
    const label = (wallet) => t.foundOption(wallet.currency, format(wallet.available), wallet.id.slice(-8), text.status[wallet.status]);
    choice.input.replaceChildren(h('option', { value: '' }, t.choose), ...wallets.map((wallet) => h('option', { value: wallet.id }, label(wallet))));
    onChange();
    choice.setError(isCut ? t.manyWallets(wallets.length) : t.severalWallets(wallets.length));
    choice.input.focus();
    return null;
  }

  return {
    fields: () => (found === null ? [who] : [who, choice]),
    async find() {
      if (found !== null) return found.find((wallet) => wallet.id === choice.value) ?? null;
      const { usable, isCut } = usableOf(await onePage('/v1/wallets', { q: who.value, limit: FOUND_MAX }, { signal }));
      if (usable.length === 1 && !isCut) return usable[0];
      if (usable.length > 0) return offer(usable, isCut);
      who.setError(isCut ? t.tooManyWallets : t.noWalletFound);
      who.input.focus();
      return null;
    },
  };
}

/** The customers' wallets of a page, without closed ones if there are others: `{usable, isCut}`. `isCut`: more of them may follow. */
export function usableOf({ items, next_cursor: next }) {
  const customers = items.filter((wallet) => wallet.user_id !== null);
  const open = customers.filter((wallet) => wallet.status !== 'CLOSED');
  return { usable: open.length > 0 ? open : customers, isCut: Boolean(next) };
}
