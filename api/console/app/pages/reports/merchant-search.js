// The field that leads to a merchant's page.
import { h } from '../../dom.js';
import { navigate } from '../../router.js';
import { text } from '../../text.js';
import { field, form } from '../../ui/index.js';
import { merchantPath } from './figures.js';

/** A form with one field; it only changes the page. */
export function merchantSearch() {
  const t = text.reports;
  const id = field({ name: 'merchant_id', label: t.merchantId, hint: t.merchantHint, required: true, maxlength: 128, autocomplete: 'off' });
  const search = form({ fields: [id], content: h('div', { class: 'filters' }, id), submit: t.find, kind: '', label: t.findLabel, onSubmit: (values) => navigate(merchantPath(values.merchant_id)) });
  return h('div', { role: 'search' }, search);
}
