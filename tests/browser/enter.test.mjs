// Coming in and going out: the sign-in and its refusals, becoming a customer, a forgotten password, the start of each role.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { NEXT_PASSWORD, PASSWORD } from './bank.mjs';
import { button, control, fill, follow, gone, headed, press, refused, seen, tabTo, told } from './hands.mjs';
import { stage } from './stage.mjs';

const t = text.enter;
const { bank, scenario } = await stage();

scenario('a browser is led to the sign-in, and an operator from there to what moves now', async ({ visitor }) => {
  const { page } = await visitor();
  await page.goto(bank.url);
  await headed(page, t.signInTitle);
  await fill(page, t.email, bank.operator.email);
  await fill(page, t.password, PASSWORD);
  await press(page, t.signIn);
  await headed(page, text.now.title);
  assert.equal(new URL(page.url()).pathname, '/console/now');
});

scenario('a wrong password is refused in words, and the right one is then taken', async ({ visitor }) => {
  const { page, log, goto } = await opened(visitor, '/sign-in');
  log.expect(401);
  await fill(page, t.email, bank.admin.email);
  await fill(page, t.password, 'wrong horse battery');
  await press(page, t.signIn);
  const alert = await refused(page, text.problems.invalid_credentials);
  await seen(alert.getByText('invalid_credentials', { exact: true }));
  await seen(button(alert, text.errors.copyRequestId));
  assert.ok(await alert.evaluate((el) => el === document.activeElement), 'the refusal has the focus');
  assert.equal(await control(page, t.email).inputValue(), bank.admin.email);
  await fill(page, t.password, PASSWORD);
  await press(page, t.signIn);
  await headed(page, text.now.title);
  await goto('/sign-in');
  await headed(page, text.now.title);
});

scenario('fields that are left empty are named, and nothing is sent', async ({ visitor }) => {
  const { page } = await opened(visitor, '/sign-in');
  await press(page, t.signIn);
  const email = control(page, t.email);
  assert.equal(await email.getAttribute('aria-invalid'), 'true');
  assert.ok(await email.evaluate((el) => el === document.activeElement));
  await seen(page.getByText(text.ui.required).first());
});

scenario('a stranger who opens a page comes to it after the sign-in', async ({ visitor }) => {
  const me = await visitor();
  await me.goto('/transfers?status=FAILED');
  await headed(me.page, t.signInTitle);
  await fill(me.page, t.email, bank.operator.email);
  await fill(me.page, t.password, PASSWORD);
  await press(me.page, t.signIn);
  await me.page.waitForURL('**/console/transfers?status=FAILED');
});

scenario('a reload goes on with the session, and signing out ends it', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.page.reload();
  await headed(me.page, text.now.title);
  await me.page.getByText(bank.operator.fullName).click();
  await press(me.page, text.nav.signOut);
  await headed(me.page, t.signInTitle);
  await me.page.reload();
  await headed(me.page, t.signInTitle);
  const cookies = await me.context.cookies();
  assert.deepEqual(cookies.filter(({ value }) => value !== ''), []);
});

scenario('a new customer registers and sees a wallet', async ({ visitor }) => {
  const { page } = await opened(visitor, '/sign-in');
  await follow(page, t.register);
  await headed(page, t.register);
  await fill(page, t.fullName, 'Nora New');
  await fill(page, t.email, 'nora.new@example.com');
  await fill(page, t.password, PASSWORD);
  await fill(page, t.currency, 'eur');
  await press(page, t.register);
  await page.waitForURL('**/console/wallets');
  await seen(page.getByText('EUR').first());
});

scenario('a weak password and a taken address are refused where they were typed', async ({ visitor }) => {
  const { page, log } = await opened(visitor, '/register');
  log.expect(409, 422);
  await fill(page, t.fullName, 'Nora Again');
  await fill(page, t.email, bank.operator.email);
  await fill(page, t.password, 'short');
  await press(page, t.register);
  await refused(page, text.problems.weak_password);
  await fill(page, t.password, PASSWORD);
  await press(page, t.register);
  await refused(page, text.problems.email_taken);
});

scenario('a one-time token sets a new password', async ({ visitor }) => {
  const customer = await bank.customer('Tina');
  const { token } = await (await bank.asOperator()).post(`/v1/users/${customer.id}/reset`, undefined, 201);
  const { page, log } = await opened(visitor, '/forgotten');
  log.expect(401);
  await follow(page, t.haveToken);
  await fill(page, t.token, `${token.slice(0, -1)}_`);
  await fill(page, t.newPassword, NEXT_PASSWORD);
  await press(page, t.setPassword);
  await refused(page, text.problems.invalid_token);
  await fill(page, t.token, token);
  await press(page, t.setPassword);
  await headed(page, t.signInTitle);
  await told(page, t.passwordSet);
  await fill(page, t.email, customer.email);
  await fill(page, t.password, NEXT_PASSWORD);
  await press(page, t.signIn);
  await gone(page.getByRole('heading', { level: 1, name: t.signInTitle }));
});

scenario('somebody without a mouse signs in', async ({ visitor }) => {
  const { page } = await opened(visitor, '/sign-in');
  await headed(page, t.signInTitle);
  await page.keyboard.press('Tab');
  await tabTo(page, control(page, t.email));
  await page.keyboard.type(bank.operator.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await headed(page, text.now.title);
});

async function opened(visitor, path) {
  const me = await visitor();
  await me.goto(path);
  return { page: me.page, log: me.log, goto: (next) => me.goto(next) };
}
