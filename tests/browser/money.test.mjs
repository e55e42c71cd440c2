// Money that moves: each kind with its dry run, its refusals in words, and what may happen between the two steps.
import assert from 'node:assert/strict';
import { format } from '../../api/console/app/money.js';
import { text } from '../../api/console/app/text.js';
import { PASSWORD } from './bank.mjs';
import { button, choose, control, dialog, fill, follow, headed, pick, press, refused, saved, seen, settled, tabTo, tick, told } from './hands.mjs';
import { NARROW, stage } from './stage.mjs';

const t = text.money;
const { bank, scenario } = await stage();
const sending = (amount) => t.confirmKinds.transfer(format(amount, 'USD'));

scenario('a customer sends money: the preview moves none, the second step does', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '1000.00', '12.50');
  await fill(me.page, t.description, 'For the bicycle');
  await press(me.page, t.preview);
  await seen(me.page.getByRole('heading', { name: t.previewTitle }));
  await seen(me.page.getByText(/987\.5000\sUSD/));
  await balances(customer, '1000.0000', payee, '0.0000');
  await press(me.page, sending('12.5000'));
  await told(me.page, t.made.TRANSFER);
  await headed(me.page, text.kinds.TRANSFER);
  await seen(me.page.getByText('For the bicycle'));
  await balances(customer, '987.5000', payee, '12.5000');
});

scenario('a refusal is said in words, and what was typed stays', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '20.00', '12,5');
  me.log.expect(404, 422);
  await press(me.page, t.preview);
  await seen(me.page.getByText(text.ui.badAmount));
  await fill(me.page, t.amount, '20.0001');
  await press(me.page, t.preview);
  await refused(me.page, text.problems.insufficient_funds({ available: '20.0000' }));
  await fill(me.page, t.receiver, 'nobody@example.com');
  await fill(me.page, t.amount, '20');
  await press(me.page, t.preview);
  await refused(me.page, text.problems.payee_not_found);
  await fill(me.page, t.receiver, payee.wallet);
  await press(me.page, t.preview);
  await press(me.page, sending('20.0000'));
  await told(me.page, t.made.TRANSFER);
  await balances(customer, '0.0000', payee, '20.0000');
});

scenario('a refusal of the second step is recorded, and can be seen', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '50.00', '5');
  me.log.expect(422);
  await press(me.page, t.preview);
  await seen(button(me.page, sending('5.0000')));
  await (await bank.asOperator()).post(`/v1/wallets/${payee.wallet}/freeze`);
  await press(me.page, sending('5.0000'));
  await refused(me.page, text.problems.wallet_frozen);
  await follow(me.page, t.seeRecorded);
  await headed(me.page, text.kinds.TRANSFER);
  await seen(me.page.getByText(t.reasons.wallet_frozen));
  await balances(customer, '50.0000', payee, '0.0000');
});

scenario('an answer that is lost is asked for again with the same key, and money moves once', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '50.00', '7');
  me.log.expect('away');
  const keys = [];
  await me.page.route('**/v1/transfers', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) return route.fallback();
    await route.fetch();
    return route.abort();
  });
  await press(me.page, t.preview);
  await press(me.page, sending('7.0000'));
  const alert = await refused(me.page, text.problems.network);
  await seen(alert.getByText(text.errors.sendAgain));
  await press(me.page, sending('7.0000'));
  await told(me.page, t.made.TRANSFER);
  assert.equal(keys.length, 2);
  assert.ok(keys[0]);
  assert.equal(keys[0], keys[1]);
  await balances(customer, '43.0000', payee, '7.0000');
});

scenario('a 500 of the second step can be sent again', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '50.00', '8');
  me.log.expect(500);
  await me.page.route('**/v1/transfers', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title: 'Internal Server Error', status: 500, code: 'internal', detail: 'a fault', request_id: 'request-of-the-test' }) }), { times: 1 });
  await press(me.page, t.preview);
  await press(me.page, sending('8.0000'));
  const alert = await refused(me.page, text.problems.internal);
  await seen(alert.getByText('request-of-the-test'));
  await press(me.page, sending('8.0000'));
  await told(me.page, t.made.TRANSFER);
  await balances(customer, '42.0000', payee, '8.0000');
});

scenario('a session that ends between the two steps asks for the password, and money moves once', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '50.00', '9');
  me.log.expect(401);
  await press(me.page, t.preview);
  await seen(button(me.page, sending('9.0000')));
  await customer.api.del('/v1/users/me/sessions');
  await press(me.page, sending('9.0000'));
  const asking = dialog(me.page, text.enter.again);
  await fill(asking, text.enter.password, PASSWORD);
  await press(asking, text.enter.signIn);
  await told(me.page, t.made.TRANSFER);
  customer.api = await bank.as(customer);
  await balances(customer, '41.0000', payee, '9.0000');
});

scenario('a bank that is started anew between the two steps loses nothing', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '50.00', '10');
  me.log.expect('away');
  await press(me.page, t.preview);
  await seen(button(me.page, sending('10.0000')));
  await bank.stop();
  await press(me.page, sending('10.0000'));
  await refused(me.page, text.problems.network);
  await bank.start();
  await press(me.page, sending('10.0000'));
  await told(me.page, t.made.TRANSFER);
  await balances(customer, '40.0000', payee, '10.0000');
});

scenario('a page that is reloaded while money moves shows it once', async ({ visitor }) => {
  const { me, customer, payee } = await filled(visitor, '50.00', '11');
  let arrived;
  const sent = new Promise((resolve) => { arrived = resolve; });
  await me.page.route('**/v1/transfers', async (route) => {
    await route.fetch();
    arrived();
  }, { times: 1 });
  await press(me.page, t.preview);
  await press(me.page, sending('11.0000'));
  await sent;
  await me.page.reload();
  await headed(me.page, text.nav.newCustomer);
  await follow(me.page.getByRole('navigation', { name: text.nav.label }), text.nav.transfers);
  await headed(me.page, text.nav.transfers);
  await settled(me.page);
  assert.equal(await me.page.getByRole('table', { name: text.nav.transfers }).getByText(/11\.0000/).count(), 1);
  await balances(customer, '39.0000', payee, '11.0000');
});

scenario('somebody without a mouse sends money', async ({ visitor }) => {
  const { me, customer, payee } = await ready(visitor, '50.00');
  const { keyboard } = me.page;
  await tabTo(me.page, me.page.getByRole('link', { name: text.nav.newCustomer, exact: true }).first());
  await keyboard.press('Enter');
  await headed(me.page, text.nav.newCustomer);
  await tabTo(me.page, control(me.page, t.receiver));
  await keyboard.type(payee.email);
  await tabTo(me.page, control(me.page, t.amount));
  await keyboard.type('3.25');
  await keyboard.press('Enter');
  await tabTo(me.page, button(me.page, sending('3.2500')));
  await keyboard.press('Enter');
  await told(me.page, t.made.TRANSFER);
  await balances(customer, '46.7500', payee, '3.2500');
});

scenario('a customer holds money, and the receiver captures a part, then the rest is given back', async ({ visitor }) => {
  const { me, customer, payee } = await ready(visitor, '100.00');
  await me.goto('/transfers/new');
  await pick(me.page, t.newKinds.hold);
  await fill(me.page, t.receiver, payee.email);
  await fill(me.page, t.amount, '40');
  await choose(me.page, t.holdSpan, 'day');
  await press(me.page, t.preview);
  await press(me.page, t.confirmKinds.hold(format('40.0000', 'USD')));
  await told(me.page, t.made.HOLD);
  await headed(me.page, text.kinds.HOLD);
  const hold = new URL(me.page.url()).pathname.split('/').at(-1);
  assert.equal(await button(me.page, t.capture).count(), 0, 'who pays does not capture');

  const other = await visitor();
  await other.signIn(payee);
  await other.goto(`/transfers/${hold}`);
  await press(other.page, t.capture);
  const capturing = dialog(other.page, t.captureTitle);
  await fill(capturing, t.amount, '15');
  await control(capturing, t.isFinal).uncheck();
  await press(capturing, t.preview);
  await press(capturing, t.captureOf(format('15.0000', 'USD')));
  await told(other.page, t.captureDone);
  await balances(customer, '85.0000', payee, '15.0000');
  await press(other.page, t.void);
  const voiding = dialog(other.page, t.voidTitle);
  await press(voiding, t.preview);
  await press(voiding, t.voidOf(format('25.0000', 'USD')));
  await told(other.page, t.voidDone);
  assert.equal((await customer.api.get(`/v1/wallets/${customer.wallet}`)).available, '85.0000');
});

scenario('an operator deposits, and pays a withdrawal out that was held', async ({ visitor }) => {
  const customer = await bank.customer('Dora');
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/wallets/${customer.wallet}`);
  await follow(me.page, t.deposit);
  await headed(me.page, text.nav.newStaff);
  assert.equal(await control(me.page, t.wallet).inputValue(), customer.wallet);
  await fill(me.page, t.method, 'visa');
  await fill(me.page, t.amount, '250');
  await press(me.page, t.preview);
  await press(me.page, t.confirmKinds.deposit(format('250.0000', 'USD')));
  await told(me.page, t.made.DEPOSIT);
  await headed(me.page, text.kinds.DEPOSIT);

  await me.goto('/transfers/new?kind=withdrawal');
  await fill(me.page, t.wallet, customer.email);
  await fill(me.page, t.method, 'wire');
  await fill(me.page, t.amount, '100');
  await tick(me.page, t.holdWithdrawal);
  await press(me.page, t.preview);
  await press(me.page, t.confirmKinds.withdrawal(format('100.0000', 'USD')));
  await told(me.page, t.made.HOLD);
  await press(me.page, t.capture);
  const capturing = dialog(me.page, t.captureTitle);
  await press(capturing, t.preview);
  await press(capturing, t.captureOf(format('100.0000', 'USD')));
  await told(me.page, t.captureDone);
  const { balance, held } = await customer.api.get(`/v1/wallets/${customer.wallet}`);
  assert.deepEqual([balance, held], ['150.0000', '0.0000']);
});

scenario('a customer withdraws from their wallet', async ({ visitor }) => {
  const { me, customer } = await ready(visitor, '60.00');
  await me.goto(`/wallets/${customer.wallet}`);
  await follow(me.page, t.withdraw);
  await fill(me.page, t.method, 'wire');
  await fill(me.page, t.amount, '25.5');
  await press(me.page, t.preview);
  await press(me.page, t.confirmKinds.withdrawal(format('25.5000', 'USD')));
  await told(me.page, t.made.WITHDRAWAL);
  assert.equal((await customer.api.get(`/v1/wallets/${customer.wallet}`)).balance, '34.5000');
});

scenario('an operator takes a transfer back in part, and never more than is left', async ({ visitor }) => {
  const { customer, payee } = await pair('80.00');
  const transfer = await customer.api.post('/v1/transfers', { source_wallet_id: customer.wallet, destination_wallet_id: payee.wallet, amount: '30' }, 201);
  const me = await visitor();
  me.log.expect(422);
  await me.signIn(bank.operator);
  await me.goto(`/transfers/${transfer.id}`);
  await press(me.page, t.reverse);
  const asking = dialog(me.page, t.reverseTitle);
  await fill(asking, t.amount, '31');
  await press(asking, t.preview);
  await refused(asking, text.problems.amount_exceeds_original({ remaining: '30.0000' }));
  await fill(asking, t.amount, '10');
  await press(asking, t.preview);
  await press(asking, t.reverseOf(format('10.0000', 'USD')));
  await told(me.page, t.reverseDone);
  await seen(me.page.getByRole('table', { name: t.reversals }).getByText(/10\.0000/).first());
  await balances(customer, '60.0000', payee, '20.0000');
});

scenario('the receipt of a transfer is proved by the browser, and kept as it was sent', async ({ visitor }) => {
  const { customer, payee } = await pair('80.00');
  const transfer = await customer.api.post('/v1/transfers', { source_wallet_id: customer.wallet, destination_wallet_id: payee.wallet, amount: '30' }, 201);
  const me = await visitor();
  await me.signIn(customer);
  await me.goto(`/transfers/${transfer.id}`);
  const section = me.page.getByRole('region', { name: t.receipt.title });
  await seen(section.getByText(t.receipt.proved, { exact: true }));
  assert.equal(await section.getByText(t.receipt.states.passed, { exact: true }).count(), Object.keys(t.receipt.checks).length);
  const { content } = await saved(me.page, () => press(me.page, t.receipt.download));
  assert.ok(content.includes(transfer.id));
  await me.page.route(`**/v1/transfers/${transfer.id}/receipt`, (route) => route.fulfill({ contentType: 'application/json', body: content.replace('"30.0000"', '"90.0000"') }));
  await me.page.reload();
  await seen(me.page.getByText(t.receipt.refused));
  assert.equal(await me.page.getByText(t.receipt.proved, { exact: true }).count(), 0);
});

scenario('the filters of transfers are in the address and outlive a reload', async ({ visitor }) => {
  const { customer, payee } = await pair('80.00');
  const pay = (amount, status) => customer.api.post('/v1/transfers', { source_wallet_id: customer.wallet, destination_wallet_id: payee.wallet, amount }, status);
  await pay('21', 201);
  await pay('1000', 422);
  const me = await visitor();
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.transfers);
  await fill(me.page, t.walletId, customer.wallet);
  await choose(me.page, t.status, 'FAILED');
  await choose(me.page, t.kind, 'TRANSFER');
  await press(me.page, t.find);
  await me.page.waitForURL(/status=FAILED/);
  await me.page.reload();
  await settled(me.page);
  const rows = me.page.getByRole('table', { name: text.nav.transfers }).getByRole('rowheader');
  assert.equal(await rows.count(), 1);
  await me.page.goBack();
  await press(me.page, text.ui.clear);
  await settled(me.page);
  assert.ok(await rows.count() > 1);
});

scenario('on a narrow screen the filters are folded, say how many are set, and fold again after a search', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.page.setViewportSize(NARROW);
  await me.goto('/transfers');
  await settled(me.page);
  const fold = (count) => me.page.getByText(text.ui.filters(count), { exact: true });
  assert.equal(await control(me.page, t.status).isVisible(), false);
  await fold(0).click();
  await choose(me.page, t.status, 'PENDING');
  await press(me.page, t.find);
  await seen(fold(1));
  assert.equal(await control(me.page, t.status).isVisible(), false);
  assert.equal(await fold(1).evaluate((el) => el === document.activeElement), true);
  await fold(1).click();
  await fill(me.page, t.walletId, 'nobody');
  await press(me.page, t.find);
  await seen(me.page.getByText(t.idWrong));
});

async function pair(amount) {
  return { customer: await bank.customer('Sara', { amount }), payee: await bank.customer('Paul') };
}

/** A customer with money, who has signed in, and somebody to pay. */
async function ready(visitor, amount) {
  const people = await pair(amount);
  const me = await visitor();
  await me.signIn(people.customer);
  return { me, ...people };
}

/** The same, on the page that moves money, with an amount and a receiver typed. */
async function filled(visitor, money, amount) {
  const all = await ready(visitor, money);
  await all.me.goto('/transfers/new');
  await headed(all.me.page, text.nav.newCustomer);
  await fill(all.me.page, t.receiver, all.payee.email);
  await fill(all.me.page, t.amount, amount);
  return all;
}

async function balances(customer, left, payee, came) {
  const [from, to] = await Promise.all([customer, payee].map((one) => one.api.get(`/v1/wallets/${one.wallet}`)));
  assert.deepEqual([from.balance, to.balance], [left, came]);
}
