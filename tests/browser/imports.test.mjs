// Imports: a file is uploaded and watched, its rejected rows are seen and saved; who may only read uploads nothing.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { COLUMNS, sizeText } from '../../api/console/app/pages/imports/files.js';
import { text } from '../../api/console/app/text.js';
import { button, choose, control, follow, headed, press, refused, saved, seen, settled } from './hands.mjs';
import { samples } from './places.mjs';
import { stage } from './stage.mjs';

const t = text.imports;
const { bank, scenario } = await stage();

scenario('an operator uploads activities, watches them, and sees and saves the rejected rows', async ({ visitor }) => {
  const me = await visitor();
  await uploaded(me, 'activities.csv', t.kinds.activities);
  await seen(me.page.getByRole('heading', { name: t.reasons }));
  const table = me.page.getByRole('table', { name: t.rejects });
  await seen(table.getByRole('row').nth(1));
  const { name, content } = await saved(me.page, () => press(me.page, t.download));
  assert.match(name, /^rejected-activities.*\.csv$/);
  assert.ok(content.split('\r\n').length > 2);
  await follow(me.page, t.next.activities);
  await headed(me.page, text.nav.merchants);
});

scenario('an operator uploads transactions, and finds the import again by the filters after a reload', async ({ visitor }) => {
  const me = await visitor();
  await uploaded(me, 'transactions.csv', t.kinds.transactions);
  await me.goto('/imports');
  await choose(me.page, t.kind, 'transactions');
  await choose(me.page, t.status, 'COMPLETED');
  await press(me.page, t.find);
  await me.page.waitForURL(/kind=transactions/);
  await me.page.reload();
  await settled(me.page);
  assert.equal(await control(me.page, t.status).inputValue(), 'COMPLETED');
  const table = me.page.getByRole('table', { name: t.list });
  await seen(table.getByRole('link', { name: 'transactions.csv' }).first());
  assert.equal(await table.getByText(t.kinds.activities).count(), 0);
});

scenario('a file of other columns is known before it is sent, and ends as failed', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto('/imports');
  await press(me.page, t.send);
  await seen(me.page.getByText(text.ui.required));
  const other = Buffer.from('a,b\n1,2\n');
  await control(me.page, t.file).setInputFiles({ name: 'other.csv', mimeType: 'text/csv', buffer: other });
  await seen(me.page.getByText(t.unknownColumns(sizeText(other.length), COLUMNS.activities.join(', '))));
  await press(me.page, t.send);
  await headed(me.page, 'other.csv');
  await seen(me.page.getByText(text.status.FAILED, { exact: true }));
  await seen(me.page.getByText(t.failure));
});

scenario('an upload that the bank does not take is refused in words, and can be sent again', async ({ visitor }) => {
  const me = await visitor();
  me.log.expect(507);
  await me.signIn(bank.operator);
  await me.goto('/imports');
  await me.page.route('**/v1/imports/*', (route) => route.fulfill({ status: 507, contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title: 'Insufficient Storage', status: 507, code: 'storage_full', detail: 'no room' }) }), { times: 1 });
  await control(me.page, t.file).setInputFiles(join(samples, 'transactions.csv'));
  await press(me.page, t.send);
  await refused(me.page, text.problems.storage_full);
  await press(me.page, t.send);
  await headed(me.page, 'transactions.csv');
});

scenario('an auditor reads imports and uploads none', async ({ visitor }) => {
  const auditor = await bank.staff('auditor', 'Anna Auditor');
  const me = await visitor();
  await me.signIn(auditor);
  await me.goto('/imports');
  await settled(me.page);
  assert.equal(await button(me.page, t.send).count(), 0);
  assert.equal(await control(me.page, t.file).count(), 0);
});

/** Uploads a sample and waits for its end. */
async function uploaded(me, file, kind) {
  await me.signIn(bank.operator);
  await follow(me.page, text.nav.imports);
  await headed(me.page, text.nav.imports);
  await control(me.page, t.file).setInputFiles(join(samples, file));
  await seen(me.page.getByRole('radio', { name: kind, checked: true }));
  await press(me.page, t.send);
  await headed(me.page, file);
  await seen(me.page.getByText(text.status.COMPLETED, { exact: true }));
}
