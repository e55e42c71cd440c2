// Confirming a new e-mail address with the one-time token that was mailed to it.
import { post } from '../../api.js';
import { h } from '../../dom.js';
import { navigate } from '../../router.js';
import * as session from '../../session.js';
import { text } from '../../text.js';
import { field, form, pageHeader, toast } from '../../ui/index.js';

export const page = { title: text.enter.confirmTitle, render };

function render() {
  const t = text.enter;
  const token = field({ name: 'token', label: t.token, hint: t.tokenHint, required: true, autocomplete: 'one-time-code' });
  const confirming = form({
    fields: [token], submit: t.confirm, label: t.confirmTitle,
    async onSubmit(values) {
      await post('/v1/auth/confirm-email', values, { open: true });
      if (session.user() !== null) await session.reload();
      await navigate('/');
      toast(t.confirmed);
    },
  });
  return h('div', { class: 'enter' }, pageHeader({ title: t.confirmTitle }), confirming);
}
