// People, their roles and states, API keys and the audit log, as operator, admin and customer.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { NEXT_PASSWORD } from './bank.mjs';
import { button, choose, control, dialog, fill, follow, headed, pick, press, refused, saved, seen, settled, tick, told } from './hands.mjs';
import { stage } from './stage.mjs';

const t = text.people;
const { bank, scenario } = await stage();

scenario('an operator finds a customer, suspends them and activates them', async ({ visitor }) => {
  const customer = await bank.customer('Sven');
  const operator = await bank.asOperator();
  const me = await visitor();
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.people);
  await headed(me.page, t.title);
  await fill(me.page, t.search, customer.fullName);
  await choose(me.page, t.role, 'customer');
  await press(me.page, t.find);
  await me.page.waitForURL(/[?&]role=customer/);
  await me.page.reload();
  assert.equal(await control(me.page, t.search).inputValue(), customer.fullName);
  await follow(me.page, customer.fullName);
  await headed(me.page, customer.fullName);
  await confirmed(me.page, t.suspend, t.suspendTitle(customer.fullName));
  await told(me.page, t.suspended(customer.fullName));
  assert.equal((await operator.get(`/v1/users/${customer.id}`)).status, 'suspended');
  await seen(me.page.getByText(text.status.suspended, { exact: true }).first());
  await confirmed(me.page, t.activate, t.activateTitle(customer.fullName));
  await told(me.page, t.activated(customer.fullName));
  assert.equal((await operator.get(`/v1/users/${customer.id}`)).status, 'active');
});

scenario('an operator sees what an admin may do to a person nowhere', async ({ visitor }) => {
  const customer = await bank.customer('Rosa');
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/people/${customer.id}`);
  await headed(me.page, customer.fullName);
  await settled(me.page);
  await seen(button(me.page, t.suspend));
  for (const label of [t.changeRole, t.erase]) assert.equal(await button(me.page, label).count(), 0, label);
});

scenario('an operator makes a one-time token, which is shown this once', async ({ visitor }) => {
  const customer = await bank.customer('Otto');
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/people/${customer.id}`);
  await confirmed(me.page, t.reset, t.resetTitle(customer.fullName), t.resetConfirm);
  const box = me.page.getByRole('region', { name: t.resetSecret });
  const token = await box.getByText(/^florin_ot_/).textContent();
  await bank.stranger().post('/v1/auth/reset', { token, new_password: NEXT_PASSWORD }, 204);
  await bank.as({ email: customer.email, password: NEXT_PASSWORD });
  await press(box, t.secretKept);
  assert.equal(await me.page.getByText(token).count(), 0);
});

scenario('an admin changes a role, and erases somebody whose wallets are closed', async ({ visitor }) => {
  const customer = await bank.customer('Emil');
  const admin = await bank.asAdmin();
  const me = await visitor();
  me.log.expect(422);
  await me.signIn(bank.admin);
  await me.goto(`/people/${customer.id}`);
  await press(me.page, t.changeRole);
  const asking = dialog(me.page, t.roleTitle(customer.fullName));
  await choose(asking, t.newRole, 'support');
  await press(asking, t.changeRole);
  await told(me.page, t.roleChanged(customer.fullName, text.roles.support));
  assert.equal((await admin.get(`/v1/users/${customer.id}`)).role, 'support');

  await press(me.page, t.erase);
  const erasing = dialog(me.page, t.eraseTitle(customer.fullName));
  await fill(erasing, t.eraseType(customer.email), customer.email);
  await press(erasing, t.eraseConfirm);
  await refused(erasing, text.problems.wallets_open);
  await admin.post(`/v1/wallets/${customer.wallet}/close`);
  await press(erasing, t.eraseConfirm);
  await headed(me.page, t.erasedName);
  assert.equal((await admin.get(`/v1/users/${customer.id}`)).status, 'erased');
});

scenario('an operator sees where a customer is signed in, and their wallets', async ({ visitor }) => {
  const customer = await bank.customer('Wanda', { amount: '12.50' });
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/people/${customer.id}`);
  await settled(me.page);
  await seen(me.page.getByRole('table', { name: t.sessions }).getByRole('row').nth(1));
  await seen(me.page.getByRole('table', { name: t.wallets }).getByText(/12\.5000\sUSD/).first());
});

scenario('a customer makes a key, gives it a new secret, and revokes it', async ({ visitor }) => {
  const customer = await bank.customer('Kai', { amount: '5.00' });
  const me = await visitor();
  await me.signIn(customer);
  await follow(me.page, text.nav.keys);
  await headed(me.page, t.keys);
  await press(me.page, t.newKey);
  await press(me.page, t.makeKey);
  await seen(me.page.getByText(t.scopesNone));
  await fill(me.page, t.keyName, 'Accounts');
  await me.page.getByLabel(t.scopes['wallets:read']).check();
  await press(me.page, t.makeKey);
  const first = await secretOf(me.page, t.secretTitle('Accounts'));
  const program = bank.stranger(first);
  assert.equal((await program.get('/v1/wallets')).items.length, 1);

  await press(me.page, `${t.roll} Accounts`);
  const rolling = dialog(me.page, t.rollTitle('Accounts'));
  await choose(rolling, t.overlap, '0');
  await press(rolling, t.roll);
  const second = await secretOf(me.page, t.secretTitle('Accounts'));
  assert.notEqual(second, first);
  await program.get('/v1/wallets', 401);
  await bank.stranger(second).get('/v1/wallets');

  await press(me.page, `${t.revoke} Accounts`);
  await press(dialog(me.page, t.revokeTitle('Accounts')), t.revoke);
  await told(me.page, t.revoked('Accounts'));
  await bank.stranger(second).get('/v1/wallets', 401);
  await seen(me.page.getByText(t.noKeys));
});

scenario('an admin sees and revokes the key of somebody else', async ({ visitor }) => {
  const customer = await bank.customer('Lena');
  await customer.api.post('/v1/api-keys', { name: 'Of Lena', scopes: ['wallets:read'] }, 201);
  const me = await visitor();
  await me.signIn(bank.admin);
  await me.goto('/keys');
  await pick(me.page, t.everybody);
  await press(me.page, `${t.revoke} Of Lena`);
  await press(dialog(me.page), t.revoke);
  await told(me.page, t.revoked('Of Lena'));
  assert.deepEqual((await customer.api.get('/v1/api-keys')).items, []);
});

scenario('an admin reads the audit log by its filters, which outlive a reload, and saves it', async ({ visitor }) => {
  const customer = await bank.customer('Ada');
  await (await bank.asOperator()).post(`/v1/users/${customer.id}/suspend`);
  const me = await visitor();
  await me.signIn(bank.admin);
  await follow(me.page, text.nav.audit);
  await headed(me.page, t.audit);
  await fill(me.page, t.actor, bank.operator.email);
  await choose(me.page, t.action, 'user.suspended');
  await fill(me.page, t.subject, customer.id);
  await press(me.page, t.find);
  await me.page.waitForURL(/action=user\.suspended/);
  await me.page.reload();
  await settled(me.page);
  const lines = me.page.getByRole('table', { name: t.auditList });
  assert.equal(await lines.getByRole('rowheader').count(), 1);
  await seen(lines.getByRole('link', { name: customer.fullName }));
  await lines.getByRole('button', { name: t.details }).click();
  await seen(lines.getByText('user.suspended', { exact: true }));
  const { content } = await saved(me.page, () => press(me.page, t.csv));
  assert.match(content, new RegExp(`user\\.suspended.*${customer.id}`));
  assert.equal(content.trim().split('\n').length, 2);
});

/** Presses a button, and the one in the dialog that comes. */
async function confirmed(page, label, title, confirm = label) {
  await press(page, label);
  await press(dialog(page, title), confirm);
}

async function secretOf(page, title) {
  const box = page.getByRole('region', { name: title });
  const secret = await box.getByText(/^florin_ak_/).textContent();
  await press(box, t.secretKept);
  return secret;
}
