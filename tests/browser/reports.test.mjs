// The reports: daily totals with their range, the five of the merchants, and a merchant's page.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { control, fill, follow, headed, pick, press, saved, seen, settled } from './hands.mjs';
import { furnish } from './places.mjs';
import { stage } from './stage.mjs';

const t = text.reports;
const { bank, scenario } = await stage();
await furnish(bank);

scenario('an operator picks ranges of the daily totals, which outlive a reload, and saves them', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.daily);
  await headed(me.page, text.nav.daily);
  await pick(me.page, t.presets['7']);
  await me.page.waitForURL(/range=7/);
  await seen(me.page.getByRole('heading', { name: t.deposits }));
  // What the sample has.
  await fill(me.page, t.from, '2025-01-01');
  await fill(me.page, t.to, '2025-01-31');
  await press(me.page, t.show);
  await me.page.waitForURL(/from=2025-01-01/);
  await me.page.reload();
  await settled(me.page);
  assert.equal(await control(me.page, t.to).inputValue(), '2025-01-31');
  await seen(me.page.getByRole('table', { name: t.byMethod }).getByText('apple_pay'));
  assert.ok(await me.page.getByRole('img', { name: t.deposits }).count() > 0);
  const { content } = await saved(me.page, () => press(me.page, t.csvOf(text.nav.daily)));
  assert.match(content, /2025-01-05,withdrawals,apple_pay,.*1687\.86/);
});

scenario('a range that ends before it begins is named at its field', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto('/reports?from=2025-01-01&to=2025-01-31');
  await fill(me.page, t.to, '2024-12-01');
  await press(me.page, t.show);
  await seen(me.page.getByText(t.endsBefore));
  assert.equal(await control(me.page, t.to).getAttribute('aria-invalid'), 'true');
});

scenario('days on which nothing moved say what to do next', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto('/reports?from=2001-01-01&to=2001-01-31');
  await seen(me.page.getByText(t.noTotals));
  await follow(me.page, t.toImports);
  await headed(me.page, text.nav.imports);
});

scenario('an operator sees the five reports with their numbers, and saves one', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.merchants);
  await headed(me.page, text.nav.merchants);
  await settled(me.page);
  for (const title of [t.top, t.active, t.adoption, t.funnel, t.failures]) {
    const section = me.page.getByRole('region', { name: title, exact: true });
    await seen(section.getByRole('heading', { name: title }));
    assert.equal(await section.getByText(t.noReport).count(), 0, title);
  }
  for (const title of [t.active, t.adoption, t.funnel, t.failures]) {
    assert.ok(await me.page.getByRole('img', { name: title }).count() > 0, `the chart of ${title}`);
    await seen(me.page.getByRole('region', { name: title, exact: true }).getByText(text.chart.numbers).first());
  }
  const { content } = await saved(me.page, () => press(me.page, t.csvOf(t.adoption)));
  assert.match(content, /^product,merchants\r\n/);
});

scenario('a merchant is found by id, and one that is not known is said to be so', async ({ visitor }) => {
  const me = await visitor();
  me.log.expect(404);
  await me.signIn(bank.operator);
  await me.goto('/reports/merchants');
  await fill(me.page, t.merchantId, 'MRC-000001');
  await press(me.page, t.find);
  await headed(me.page, 'MRC-000001');
  await seen(me.page.getByRole('table', { name: t.activities }).first());
  await fill(me.page, t.merchantId, 'MRC-999999');
  await press(me.page, t.find);
  await headed(me.page, 'MRC-999999');
  await seen(me.page.getByText(t.noMerchant('MRC-999999')));
});

scenario('without an import the reports say what to do next', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  for (const report of ['top-merchant', 'monthly-active-merchants', 'product-adoption', 'failure-rates']) {
    await me.page.route(`**/analytics/${report}`, (route) => route.fulfill({ status: 404, contentType: 'application/problem+json',
      body: JSON.stringify({ type: 'about:blank', title: 'Not Found', status: 404, code: 'not_found', detail: 'nothing to report on' }) }));
  }
  me.log.expect(404);
  await me.goto('/reports/merchants');
  await settled(me.page);
  assert.ok(await me.page.getByText(t.noReport).count() >= 4);
});
