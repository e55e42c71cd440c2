// What people do with what is their own: name, password, data, sessions.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { NEXT_PASSWORD, PASSWORD } from './bank.mjs';
import { dialog, fill, follow, headed, press, refused, saved, seen, settled, told } from './hands.mjs';
import { stage } from './stage.mjs';

const t = text.own;
const { bank, scenario } = await stage();

scenario('a customer changes name and password, and saves their data', async ({ visitor }) => {
  const customer = await bank.customer('Petra', { amount: '7.00' });
  const me = await visitor();
  me.log.expect(401);
  await me.signIn(customer);
  await follow(me.page, text.nav.profile);
  await headed(me.page, t.profile);
  await fill(me.page, t.fullName, 'Petra Renamed');
  await press(me.page, t.saveName);
  await told(me.page, t.nameSaved);
  assert.equal((await customer.api.get('/v1/users/me')).full_name, 'Petra Renamed');
  await fill(me.page, t.currentPassword, 'wrong horse battery');
  await fill(me.page, t.newPassword, NEXT_PASSWORD);
  await press(me.page, t.changePassword);
  await refused(me.page, text.problems.invalid_credentials);
  await fill(me.page, t.currentPassword, PASSWORD);
  await press(me.page, t.changePassword);
  await told(me.page, t.passwordChanged);
  await bank.as({ email: customer.email, password: NEXT_PASSWORD });
  const { name, content } = await saved(me.page, () => press(me.page, t.exportData));
  assert.match(name, /\.json$/);
  assert.match(content, /Petra Renamed/);
});

scenario('a customer ends one session, then all others, and stays signed in', async ({ visitor }) => {
  const customer = await bank.customer('Simon');
  const other = await bank.as(customer);
  const me = await visitor();
  await me.signIn(customer);
  await follow(me.page, text.nav.sessions);
  await headed(me.page, t.sessions);
  await settled(me.page);
  const rows = me.page.getByRole('table', { name: t.list }).getByRole('rowheader');
  assert.equal(await rows.count(), 3);
  await me.page.getByRole('row').filter({ hasNotText: t.current }).getByRole('button').first().click();
  await press(dialog(me.page, t.endTitle), t.end);
  await told(me.page, t.ended);
  await press(me.page, t.endOthers);
  await press(dialog(me.page, t.endOthersTitle), t.endOthers);
  await told(me.page, t.othersEnded(1));
  await other.get('/v1/users/me', 401);
  await me.page.reload();
  await settled(me.page);
  assert.equal(await rows.count(), 1);
  await seen(me.page.getByText(t.current, { exact: true }));
});

scenario('ending all sessions leads to the sign-in', async ({ visitor }) => {
  const customer = await bank.customer('Alma');
  const me = await visitor();
  await me.signIn(customer);
  await me.goto('/sessions');
  await press(me.page, t.endAll);
  me.log.expect(401);
  await press(dialog(me.page, t.endAllTitle), t.endAll);
  await headed(me.page, text.enter.signInTitle);
});
