// Signing in, and the way to what one can do without.
import { h } from '../../dom.js';
import { link, navigate, query, returnPath } from '../../router.js';
import * as session from '../../session.js';
import { text } from '../../text.js';
import { field, form, pageHeader } from '../../ui/index.js';

export const page = { title: text.enter.signInTitle, render };

function render() {
  const t = text.enter;
  const wanted = query().get('return');
  const keepReturn = (path) => (wanted ? `${path}?return=${encodeURIComponent(wanted)}` : path);
  const email = field({ name: 'email', label: t.email, type: 'email', required: true, autocomplete: 'username' });
  const password = field({ name: 'password', label: t.password, type: 'password', required: true, autocomplete: 'current-password' });
  const signing = form({
    fields: [email, password], submit: t.signIn, label: t.signInTitle,
    async onSubmit(values) {
      await session.signIn(values.email, values.password);
      await navigate(returnPath(), { replace: true });
    },
  });
  return h('div', { class: 'enter' }, pageHeader({ title: t.signInTitle }),
    session.wasLeftOpen() ? h('p', { role: 'alert' }, t.leftOpen) : null, signing,
    session.isTabOnly() ? h('p', { class: 'muted' }, t.tabOnly) : null,
    h('p', null, link('/forgotten', t.forgotten)),
    h('p', null, t.noAccount, ' ', link(keepReturn('/register'), t.register)));
}
