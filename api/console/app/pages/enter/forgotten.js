// Asking for a one-time token to set a new password.
import { post } from '../../api.js';
import { h } from '../../dom.js';
import { link, navigate } from '../../router.js';
import { text } from '../../text.js';
import { field, form, pageHeader, toast } from '../../ui/index.js';

export const page = { title: text.enter.forgottenTitle, render };

function render() {
  const t = text.enter;
  const email = field({ name: 'email', label: t.email, type: 'email', required: true, autocomplete: 'username' });
  const asking = form({
    fields: [email], submit: t.sendToken, label: t.forgottenTitle,
    async onSubmit(values) {
      await post('/v1/auth/forgotten', values, { open: true });
      await navigate('/reset');
      toast(t.tokenSent);
    },
  });
  return h('div', { class: 'enter' }, pageHeader({ title: t.forgottenTitle, sub: t.forgottenHint }), asking,
    h('p', null, link('/reset', t.haveToken)), h('p', null, link('/sign-in', t.toSignIn)));
}
