// Setting a new password with a one-time token, which came by mail or from the bank's staff.
import { post } from '../../api.js';
import { h } from '../../dom.js';
import { link, navigate } from '../../router.js';
import { text } from '../../text.js';
import { field, form, pageHeader, toast } from '../../ui/index.js';

export const page = { title: text.enter.resetTitle, render };

function render() {
  const t = text.enter;
  const token = field({ name: 'token', label: t.token, hint: t.tokenHint, required: true, autocomplete: 'one-time-code' });
  const password = field({ name: 'new_password', label: t.newPassword, type: 'password', hint: t.passwordHint, required: true, autocomplete: 'new-password' });
  const setting = form({
    fields: [token, password], submit: t.setPassword, label: t.resetTitle,
    async onSubmit(values) {
      await post('/v1/auth/reset', values, { open: true });
      await navigate('/sign-in');
      toast(t.passwordSet);
    },
  });
  return h('div', { class: 'enter' }, pageHeader({ title: t.resetTitle }), setting, h('p', null, link('/forgotten', t.forgotten)), h('p', null, link('/sign-in', t.toSignIn)));
}
