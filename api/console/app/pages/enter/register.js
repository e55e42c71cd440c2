// Becoming a customer: the person is signed in at once.
import { post } from '../../api.js';
import { h } from '../../dom.js';
import { link, navigate, returnPath } from '../../router.js';
import * as session from '../../session.js';
import { text } from '../../text.js';
import { compact, field, form, pageHeader } from '../../ui/index.js';

export const page = { title: text.enter.register, render };

function render() {
  const t = text.enter;
  const fields = [
    field({ name: 'full_name', label: t.fullName, required: true, autocomplete: 'name', maxlength: 200 }),
    field({ name: 'email', label: t.email, type: 'email', required: true, autocomplete: 'username', maxlength: 254 }),
    field({ name: 'password', label: t.password, type: 'password', hint: t.passwordHint, required: true, autocomplete: 'new-password' }),
    field({ name: 'currency', label: t.currency, hint: t.currencyHint, autocomplete: 'off', maxlength: 3 }),
  ];
  const registering = form({
    fields, submit: t.register, label: t.register,
    async onSubmit(values) {
      await post('/v1/auth/register', compact({ ...values, currency: values.currency.toUpperCase() }), { open: true });
      await session.signIn(values.email, values.password);
      await navigate(returnPath(), { replace: true });
    },
  });
  return h('div', { class: 'enter' }, pageHeader({ title: t.register }), registering, h('p', null, t.hasAccount, ' ', link('/sign-in', t.signIn)));
}
