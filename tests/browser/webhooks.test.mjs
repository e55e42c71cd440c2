// Webhooks: made, tested, followed, paused, given a new secret, replayed and deleted; and the feed of events.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after } from 'node:test';
import { text } from '../../api/console/app/text.js';
import { until } from './bank.mjs';
import { button, choose, control, dialog, fill, follow, headed, pick, press, seen, settled, told } from './hands.mjs';
import { stage } from './stage.mjs';

const t = text.webhooks;
// The receiver is on this machine.
const { bank, scenario } = await stage({ flags: ['--webhooks-private', 'allow'] });
const receiver = await openReceiver();
after(() => receiver.close());

scenario('a customer makes a webhook, tests it, pauses it and deletes it', async ({ visitor }) => {
  const customer = await bank.customer('Hanna');
  const me = await visitor();
  await me.signIn(customer);
  await follow(me.page, text.nav.webhooks);
  await headed(me.page, t.title);
  await press(me.page, t.make);
  await fill(me.page, t.url, receiver.url);
  await fill(me.page, t.description, 'Books of Hanna');
  await me.page.getByLabel(t.allTypes).uncheck();
  await me.page.getByLabel(text.eventTypes['deposit.completed'], { exact: true }).check();
  await press(me.page, t.makeIt);
  await seen(me.page.getByText(/^whsec_/));
  await follow(me.page, t.toWebhook);
  await headed(me.page, 'Books of Hanna');

  await press(me.page, t.test);
  await seen(me.page.getByRole('heading', { name: t.testGood }));
  await bank.deposit(customer.wallet, '31.00');
  const rows = me.page.getByRole('row').filter({ hasText: text.eventTypes['deposit.completed'] });
  await seen(rows.getByText(text.status.delivered));
  assert.ok(receiver.bodies.some((body) => body.includes('31.0000')));

  await press(me.page, t.pause);
  await told(me.page, t.pausedNow);
  await seen(me.page.getByText(text.status.paused, { exact: true }).first());
  await press(me.page, t.activate);
  await told(me.page, t.activated);

  await press(me.page, t.remove);
  await press(dialog(me.page, t.removeTitle), t.removeConfirm);
  await headed(me.page, t.title);
  assert.deepEqual((await customer.api.get('/v1/webhooks')).items, []);
});

scenario('an operator changes a webhook, sends a delivery again, gives it a new secret, and replays it', async ({ visitor }) => {
  const operator = await bank.asOperator();
  const customer = await bank.customer('Ida');
  const hook = await operator.post('/v1/webhooks', { url: receiver.url, types: ['deposit.completed'], wallet_ids: [customer.wallet] }, 201);
  await bank.deposit(customer.wallet, '41.00');
  const delivered = () => receiver.bodies.filter((body) => body.includes('41.0000')).length;
  await until(async () => delivered(), (count) => count === 1, 'the first delivery');
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/webhooks/${hook.id}`);
  await headed(me.page, receiver.url);

  await press(me.page, t.edit);
  await fill(me.page, t.description, 'Renamed');
  await press(me.page, t.save);
  await headed(me.page, 'Renamed');

  // The receiver has it before the bank has written down that it has.
  const deliveries = async () => (await operator.get(`/v1/webhooks/${hook.id}/deliveries`)).items;
  const [{ event_id: event }] = await until(deliveries, (items) => items.length > 0 && items.every(({ status }) => status === 'delivered'), 'the outcome');
  await button(me.page, t.retryOf(text.eventTypes['deposit.completed'], event.slice(-8))).first().click();
  await told(me.page, t.retried);
  await until(async () => delivered(), (count) => count === 2, 'the delivery that was asked for again');

  await press(me.page, t.rotate);
  await press(dialog(me.page, t.rotateTitle), t.rotateConfirm);
  await seen(me.page.getByText(/^whsec_/));

  await press(me.page, t.replay);
  const asking = dialog(me.page, t.replayTitle);
  await choose(asking, t.replayFrom, 'start');
  await press(asking, t.replayConfirm);
  await told(me.page, t.replayed);
  await until(async () => delivered(), (count) => count === 3, 'the delivery of the replay');
});

scenario('a receiver that fails is told of, and the filters of deliveries and webhooks work', async ({ visitor }) => {
  const operator = await bank.asOperator();
  const hook = await operator.post('/v1/webhooks', { url: `${receiver.url}/fails`, types: ['wallet.frozen'] }, 201);
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto(`/webhooks/${hook.id}`);
  await press(me.page, t.test);
  await seen(me.page.getByRole('heading', { name: t.testBad }));
  await pick(me.page, text.status.delivered);
  await seen(me.page.getByText(t.noDeliveriesOf));
  await me.goto('/webhooks');
  await choose(me.page, t.status, 'paused');
  await press(me.page, t.show);
  await me.page.waitForURL(/status=paused/);
  await settled(me.page);
  assert.equal(await me.page.getByRole('link', { name: hook.url }).count(), 0);
  await choose(me.page, t.status, '');
  await press(me.page, t.show);
  await seen(me.page.getByRole('link', { name: hook.url }));
  assert.equal(await control(me.page, t.status).inputValue(), '');
  await seen(button(me.page, t.make));
});

scenario('an event appears on the page of events by itself', async ({ visitor }) => {
  const customer = await bank.customer('Eva');
  const me = await visitor();
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.events);
  await headed(me.page, text.nav.events);
  await settled(me.page);
  await bank.deposit(customer.wallet, '51.23');
  await seen(me.page.getByText(/51\.2300/).first());
});

/** Keeps what comes; answers 500 below /fails. */
async function openReceiver() {
  const bodies = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    bodies.push(body);
    response.writeHead(request.url.endsWith('/fails') ? 500 : 204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { bodies, url: `http://127.0.0.1:${server.address().port}/florin`, close: () => { server.closeAllConnections(); server.close(); } };
}
