// Wallets: found, opened, frozen, limited, closed; their history as a chart, a list and a file.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { button, choose, control, dialog, fill, follow, headed, pick, press, refused, saved, seen, settled, told } from './hands.mjs';
import { stage } from './stage.mjs';

const t = text.money;
const { bank, scenario } = await stage();

scenario('staff find a wallet by its owner and currency, and the search outlives a reload', async ({ visitor }) => {
  const customer = await bank.customer('Greta', { amount: '33.10', currency: 'EUR' });
  await bank.customer('Heinz', { amount: '33.20' });
  const me = await visitor();
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.wallets);
  await headed(me.page, t.wallets);
  await fill(me.page, t.person, customer.email);
  await fill(me.page, t.currency, 'eur');
  await press(me.page, t.find);
  await me.page.waitForURL(/currency=EUR/);
  await me.page.reload();
  await settled(me.page);
  const table = me.page.getByRole('table', { name: t.wallets });
  assert.equal(await table.getByRole('rowheader').count(), 1);
  await seen(table.getByRole('link', { name: customer.fullName }));
  await table.getByRole('rowheader').getByRole('link').click();
  await headed(me.page, t.walletOf('EUR'));
  await seen(me.page.getByText(/33\.1000/).first());
});

scenario('an operator freezes a wallet and unfreezes it, although money moves meanwhile', async ({ visitor }) => {
  const customer = await bank.customer('Fred', { amount: '10.00' });
  const operator = await bank.asOperator();
  const state = async () => (await operator.get(`/v1/wallets/${customer.wallet}`)).status;
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/wallets/${customer.wallet}`);
  await press(me.page, t.freeze);
  const freezing = dialog(me.page, t.freezeTitle);
  await fill(freezing, t.reason, 'Asked by phone');
  await bank.deposit(customer.wallet, '5.00');
  await press(freezing, t.freeze);
  await told(me.page, t.frozen);
  assert.equal(await state(), 'FROZEN');
  await press(me.page, t.unfreeze);
  await press(dialog(me.page, t.unfreezeTitle), t.unfreeze);
  await told(me.page, t.unfrozen);
  assert.equal(await state(), 'ACTIVE');
});

scenario('an operator limits a wallet, and its owner hears of the limit', async ({ visitor }) => {
  const customer = await bank.customer('Lisa', { amount: '500.00' });
  const payee = await bank.customer('Paul');
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/wallets/${customer.wallet}?tab=limits`);
  await press(me.page, t.setLimits);
  const asking = dialog(me.page, t.limitsTitle);
  await fill(asking, t.perTransfer, '100');
  await fill(asking, t.perDayCount, '0');
  await press(asking, t.setLimits);
  await seen(asking.getByText(t.countWrong));
  await fill(asking, t.perDayCount, '5');
  await press(asking, t.setLimits);
  await told(me.page, t.limitsSet);
  const { limits } = await customer.api.get(`/v1/wallets/${customer.wallet}`);
  assert.deepEqual([limits.per_transfer, limits.per_day_amount, limits.per_day_count], ['100.0000', null, 5]);

  const owner = await visitor();
  owner.log.expect(422);
  await owner.signIn(customer);
  await owner.goto(`/transfers/new?wallet=${customer.wallet}`);
  await fill(owner.page, t.receiver, payee.email);
  await fill(owner.page, t.amount, '100.01');
  await press(owner.page, t.preview);
  const alert = await refused(owner.page, text.limits.per_transfer);
  await seen(alert.getByText('limit_exceeded', { exact: true }));
});

scenario('limits that another operator has set meanwhile are shown before they are replaced', async ({ visitor }) => {
  const customer = await bank.customer('Lars', { amount: '500.00' });
  const operator = await bank.asOperator();
  const me = await visitor();
  me.log.expect(412);
  await me.signIn(bank.operator);
  await me.goto(`/wallets/${customer.wallet}?tab=limits`);
  await press(me.page, t.setLimits);
  const asking = dialog(me.page, t.limitsTitle);
  await fill(asking, t.perTransfer, '100');
  await operator.put(`/v1/wallets/${customer.wallet}/limits`, { per_transfer: '7' });
  await press(asking, t.setLimits);
  await refused(asking, text.problems.precondition_failed);
  await seen(asking.getByText(/7\.0000/));
  await bank.deposit(customer.wallet, '5.00');
  await press(asking, t.setLimits);
  await told(me.page, t.limitsSet);
  assert.equal((await operator.get(`/v1/wallets/${customer.wallet}`)).limits.per_transfer, '100.0000');
});

scenario('an operator closes a wallet when it is empty, and not before', async ({ visitor }) => {
  const customer = await bank.customer('Cleo', { amount: '9.00' });
  const me = await visitor();
  me.log.expect(412, 422);
  await me.signIn(bank.operator);
  await me.goto(`/wallets/${customer.wallet}`);
  await press(me.page, t.close);
  const closing = dialog(me.page, t.closeTitle);
  await press(closing, t.close);
  await refused(closing, text.problems.wallet_not_empty);
  await customer.api.post(`/v1/wallets/${customer.wallet}/withdrawals`, { amount: '9', method: 'visa' }, 201);
  await me.page.reload();
  await press(me.page, t.close);
  await press(dialog(me.page, t.closeTitle), t.close);
  await told(me.page, t.closed);
  await seen(me.page.getByText(text.status.CLOSED, { exact: true }).first());
  assert.equal(await button(me.page, t.freeze).count(), 0);
});

scenario('a statement is saved as a table, as JSON and as a bank’s message', async ({ visitor }) => {
  const customer = await bank.customer('Stella', { amount: '77.70' });
  const me = await visitor();
  await me.signIn(customer);
  await me.goto(`/wallets/${customer.wallet}?tab=statement`);
  const expected = { csv: [/\.csv$/, /77\.7000/], json: [/\.json$/, /"77\.7000"/], camt: [/\.xml$/, /camt\.053/] };
  for (const [form, [ending, content]] of Object.entries(expected)) {
    await choose(me.page, t.fileForm, form);
    const file = await saved(me.page, () => press(me.page, t.download));
    assert.match(file.name, ending);
    assert.match(file.content, content);
  }
});

scenario('a customer opens a wallet, and sees their entries, holds and balance over time', async ({ visitor }) => {
  const customer = await bank.customer('Bruno', { amount: '64.00' });
  const payee = await bank.customer('Paul');
  await customer.api.post('/v1/transfers', { source_wallet_id: customer.wallet, destination_wallet_id: payee.wallet, amount: '4', hold: true }, 201);
  const me = await visitor();
  await me.signIn(customer);
  await headed(me.page, t.ownWallets);
  await press(me.page, t.openWallet);
  const opening = dialog(me.page, t.openTitle);
  await control(opening, t.currency).getByRole('option', { name: /^EUR/ }).waitFor({ state: 'attached' });
  await choose(opening, t.currency, 'EUR');
  await press(opening, t.openWallet);
  await told(me.page, t.walletOpened);
  await seen(me.page.getByRole('link', { name: t.walletOf('EUR') }));
  await follow(me.page, t.walletOf('USD'));
  await headed(me.page, t.walletOf('USD'));
  await settled(me.page);
  assert.ok(await me.page.getByRole('img', { name: t.balanceOverTime }).count() > 0);
  await pick(me.page, t.ranges.day);
  await me.page.waitForURL(/range=day/);
  await me.page.getByRole('tab', { name: t.holds }).click();
  await seen(me.page.getByRole('table', { name: t.holds }).getByText(/4\.0000/).first());
  await me.page.reload();
  await settled(me.page);
  await seen(me.page.getByRole('tab', { name: t.holds, selected: true }));
  for (const label of [t.freeze, t.close, t.setLimits]) assert.equal(await button(me.page, label).count(), 0, label);
});
