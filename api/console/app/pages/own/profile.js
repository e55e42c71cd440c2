// What one may change of oneself: name, address, password; and a copy of everything that the bank has about one.
import { download, patch, post } from '../../api.js';
import { h, mount, uid } from '../../dom.js';
import { link } from '../../router.js';
import * as session from '../../session.js';
import { text } from '../../text.js';
import { show, utcDay } from '../../time.js';
import { facts, field, form, idText, pageHeader, toast } from '../../ui/index.js';
import { saving } from '../people/saving.js';

const t = text.own;

export const page = { title: t.profile, render };

function render({ signal }) {
  const me = session.user();
  return h('div', null, pageHeader({ title: t.profile }), section(t.account, account(me)),
    h('div', { class: 'split' }, section(t.name, nameForm(me)), section(t.address, addressForm(me)), section(t.password, passwordForm(me)),
      section(t.data, h('div', { class: 'stack' }, h('p', null, t.dataText),
        saving(t.exportData, () => download('/v1/users/me/export', 'application/json', t.exportName(utcDay()), { signal }), { signal })))));
}

function section(title, content) {
  const id = uid('h');
  return h('section', { 'aria-labelledby': id }, h('h2', { id }, title), content);
}

function account(me) {
  return facts([[t.email, me.email], [t.role, text.roles[me.role] ?? me.role], [t.since, show(me.created_at)], [t.id, idText(me.id, { whole: true })]]);
}

function nameForm(me) {
  const name = field({ name: 'full_name', label: t.fullName, value: me.full_name, required: true, maxlength: 200, autocomplete: 'name' });
  return form({
    fields: [name], submit: t.saveName, label: t.name,
    async onSubmit(values) {
      const changed = await patch('/v1/users/me', values);
      name.value = changed.full_name;
      await session.reload();
      toast(t.nameSaved);
    },
  });
}

function addressForm(me) {
  const email = field({ name: 'email', label: t.newAddress, hint: t.newAddressHint, type: 'email', required: true, maxlength: 254, autocomplete: 'email',
    check: (value) => (value.toLowerCase() === me.email ? t.sameAddress : null) });
  const said = h('div', { role: 'status' });
  const sending = form({
    fields: [email], submit: t.askAddress, label: t.address,
    async onSubmit(values) {
      mount(said);
      await patch('/v1/users/me', values);
      email.value = '';
      mount(said, h('p', null, t.addressAsked(values.email), ' ', link('/confirm-email', t.toConfirm)));
    },
  });
  return h('div', { class: 'stack' }, sending, said);
}

function passwordForm(me) {
  const current = field({ name: 'current_password', label: t.currentPassword, type: 'password', required: true, autocomplete: 'current-password' });
  const next = field({ name: 'new_password', label: t.newPassword, hint: text.enter.passwordHint, type: 'password', required: true, autocomplete: 'new-password',
    check: (value) => (value === current.value ? t.samePassword : null) });
  // Password managers want to know whose password it is.
  const whose = h('input', { class: 'hidden', type: 'email', name: 'username', autocomplete: 'username', value: me.email, readonly: true, tabindex: '-1', 'aria-hidden': 'true' });
  const changing = form({
    fields: [current, next], content: [whose, current, next], submit: t.changePassword, label: t.password,
    async onSubmit(values) {
      await post('/v1/users/me/password', values);
      current.value = '';
      next.value = '';
      toast(t.passwordChanged);
    },
  });
  return h('div', { class: 'stack' }, h('p', null, t.passwordText), changing);
}
