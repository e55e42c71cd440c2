// What must not be lost: sessions that end, tabs side by side, a bank that goes away or fails in the middle of a form.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { PASSWORD } from './bank.mjs';
import { control, dialog, fill, gone, headed, press, refused, seen, settled, told } from './hands.mjs';
import { stage } from './stage.mjs';

const t = text.own;
const { bank, scenario } = await stage();

scenario('a session that is ended elsewhere under a filled form asks for the password, and the form goes on', async ({ visitor }) => {
  const { me, customer } = await typing(visitor, 'Frida', 'Frida After');
  me.log.expect(401);
  await customer.api.del('/v1/users/me/sessions');
  await press(me.page, t.saveName);
  const asking = dialog(me.page, text.enter.again);
  await fill(asking, text.enter.password, 'wrong horse battery');
  await press(asking, text.enter.signIn);
  await refused(asking, text.problems.invalid_credentials);
  await fill(asking, text.enter.password, PASSWORD);
  await press(asking, text.enter.signIn);
  await told(me.page, t.nameSaved);
  await gone(asking);
  assert.equal((await (await bank.as(customer)).get('/v1/users/me')).full_name, 'Frida After');
});

scenario('who leaves the page instead comes to the sign-in, which leads back', async ({ visitor }) => {
  const { me, customer } = await typing(visitor, 'Gerda', 'Gerda After');
  me.log.expect(401);
  await customer.api.del('/v1/users/me/sessions');
  await press(me.page, t.saveName);
  await press(dialog(me.page, text.enter.again), text.enter.leave);
  await headed(me.page, text.enter.signInTitle);
  await me.signIn(customer, new URL(me.page.url()).pathname.replace('/console', '') + new URL(me.page.url()).search);
  await headed(me.page, t.profile);
});

scenario('signing in again in another tab goes on with the form of this one', async ({ visitor }) => {
  const { me, customer } = await typing(visitor, 'Holga', 'Holga After');
  me.log.expect(401);
  await customer.api.del('/v1/users/me/sessions');
  await press(me.page, t.saveName);
  await seen(dialog(me.page, text.enter.again));
  const other = await me.context.newPage();
  await me.goto('/profile', other);
  await headed(other, text.enter.signInTitle);
  await fill(other, text.enter.email, customer.email);
  await fill(other, text.enter.password, PASSWORD);
  await press(other, text.enter.signIn);
  await headed(other, t.profile);
  await gone(dialog(me.page, text.enter.again));
  await told(me.page, t.nameSaved);
});

scenario('a cookie that is gone leads to the sign-in at the next reload, and back to the page', async ({ visitor }) => {
  const me = await visitor();
  me.log.expect(401);
  await me.signIn(bank.operator);
  await me.goto('/people?role=admin');
  await headed(me.page, text.people.title);
  await settled(me.page);
  await me.context.clearCookies();
  await me.page.reload();
  await headed(me.page, text.enter.signInTitle);
  await fill(me.page, text.enter.email, bank.operator.email);
  await fill(me.page, text.enter.password, PASSWORD);
  await press(me.page, text.enter.signIn);
  await me.page.waitForURL('**/console/people?role=admin');
});

scenario('signing out in one tab signs the other out', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  const other = await me.context.newPage();
  await me.goto('/people', other);
  await headed(other, text.people.title);
  await me.page.bringToFront();
  await me.page.getByText(bank.operator.fullName).click();
  await press(me.page, text.nav.signOut);
  await headed(me.page, text.enter.signInTitle);
  await headed(other, text.enter.signInTitle);
});

scenario('signing out ends the session at the bank, although the access token has ended', async ({ visitor }) => {
  const customer = await bank.customer('Ida');
  const count = async () => (await customer.api.get('/v1/users/me/sessions')).items.length;
  const before = await count();
  const me = await visitor();
  me.log.expect(401);
  await me.signIn(customer);
  assert.equal(await count(), before + 1);
  await me.page.route('**/v1/auth/logout', (route) => route.fulfill({ status: 401, contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title: 'Unauthorized', status: 401, code: 'unauthenticated' }) }), { times: 1 });
  await me.page.getByText(customer.fullName).first().click();
  await press(me.page, text.nav.signOut);
  await headed(me.page, text.enter.signInTitle);
  assert.equal(await me.page.getByText(text.enter.leftOpen).count(), 0);
  assert.equal(await count(), before);
});

scenario('tabs that renew their tokens at the same time all stay signed in', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  const tabs = [me.page, await me.context.newPage(), await me.context.newPage()];
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(tabs.map((tab) => me.goto('/people', tab)));
    await Promise.all(tabs.map((tab) => headed(tab, text.people.title)));
  }
});

scenario('another person in one tab is the person of the other tab too', async ({ visitor }) => {
  const customer = await bank.customer('Mia');
  const me = await visitor();
  await me.signIn(bank.operator);
  const other = await me.context.newPage();
  await me.goto('/people', other);
  await headed(other, text.people.title);
  await me.page.bringToFront();
  await me.page.getByText(bank.operator.fullName).click();
  await press(me.page, text.nav.signOut);
  await headed(me.page, text.enter.signInTitle);
  await me.signIn(customer);
  await other.reload();
  await seen(other.getByRole('navigation', { name: text.nav.label }).getByText(customer.fullName));
  assert.equal(await other.getByText(bank.operator.fullName).count(), 0);
});

scenario('without TLS beyond loopback the session is of this tab, and outlives its reload', async ({ visitor }) => {
  const me = await visitor({ host: 'florin.test' });
  await me.goto('/sign-in');
  await seen(me.page.getByText(text.enter.tabOnly));
  await me.signIn(bank.operator, '/people');
  await headed(me.page, text.people.title);
  await me.page.reload();
  await headed(me.page, text.people.title);
  const other = await me.context.newPage();
  await me.goto('/people', other);
  await headed(other, text.enter.signInTitle);
  const kept = await me.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.doesNotMatch(kept, /florin_rt|eyJ/);
});

scenario('a 500 in the middle of a form keeps what was typed, and the next press sends it', async ({ visitor }) => {
  const { me, customer } = await typing(visitor, 'Nils', 'Nils After');
  me.log.expect(500);
  await me.page.route('**/v1/users/me', (route) => (route.request().method() === 'PATCH' ? route.fulfill(fault()) : route.fallback()));
  await press(me.page, t.saveName);
  const alert = await refused(me.page, text.problems.internal);
  await seen(alert.getByText('internal', { exact: true }));
  await seen(alert.getByText('request-of-the-test'));
  assert.equal(await control(me.page, t.fullName).inputValue(), 'Nils After');
  await me.page.unroute('**/v1/users/me');
  await press(me.page, t.saveName);
  await told(me.page, t.nameSaved);
  assert.equal((await customer.api.get('/v1/users/me')).full_name, 'Nils After');
});

scenario('a bank that is started anew in the middle of a form loses nothing', async ({ visitor }) => {
  const { me, customer } = await typing(visitor, 'Olaf', 'Olaf After');
  me.log.expect('away');
  await bank.stop();
  await press(me.page, t.saveName);
  await refused(me.page, text.problems.network);
  const banner = me.page.getByText(text.connection.away);
  await seen(banner);
  assert.equal(await control(me.page, t.fullName).inputValue(), 'Olaf After');
  await bank.start();
  await press(me.page, text.connection.tryNow);
  await gone(banner);
  await press(me.page, t.saveName);
  await told(me.page, t.nameSaved);
  assert.equal((await (await bank.as(customer)).get('/v1/users/me')).full_name, 'Olaf After');
});

scenario('what could not be loaded loads by itself when the bank is back', async ({ visitor }) => {
  const me = await visitor();
  me.log.expect('away');
  await me.signIn(bank.operator);
  await me.goto('/people');
  await settled(me.page);
  await bank.stop();
  await press(me.page, text.people.find);
  const alert = await refused(me.page.getByRole('main'), text.problems.network);
  await bank.start();
  await gone(alert);
  await seen(me.page.getByRole('link', { name: bank.admin.fullName }));
});

scenario('a bank that comes back with other pages offers to load them', async ({ visitor }) => {
  const { me } = await typing(visitor, 'Paula', 'Paula After');
  me.log.expect('away');
  await me.page.route('**/console/', (route) => route.fulfill({ contentType: 'text/html', body: '<script src="/console/assets/0/app/main.js"></script>' }));
  await bank.stop();
  await press(me.page, t.saveName);
  await refused(me.page, text.problems.network);
  await bank.start();
  await press(me.page, text.connection.tryNow);
  await seen(me.page.getByText(text.app.upgradedHint));
  assert.equal(await control(me.page, t.fullName).inputValue(), 'Paula After');
});

/** A customer who has typed another name into their profile. */
async function typing(visitor, name, typed) {
  const customer = await bank.customer(name);
  const me = await visitor();
  await me.signIn(customer);
  await me.goto('/profile');
  await headed(me.page, t.profile);
  await fill(me.page, t.fullName, typed);
  return { me, customer };
}

function fault() {
  return { status: 500, contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title: 'Internal Server Error', status: 500, code: 'internal', detail: 'the bank has a fault', request_id: 'request-of-the-test' }) };
}
