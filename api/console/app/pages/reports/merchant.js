// What one merchant has done: volume, activities by product and by how they ended, the first and the last one.
import { at, reportJson } from '../../api.js';
import * as charts from '../../charts.js';
import { h } from '../../dom.js';
import { formatCount } from '../../money.js';
import { percent } from '../../scale.js';
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { copyButton, facts, loading, moneyText, pageHeader, table, tile, tiles } from '../../ui/index.js';
import { csvButton } from './csv-button.js';
import { countsOf, productWord } from './figures.js';
import { merchantSearch } from './merchant-search.js';

const t = text.reports;
const ENDS = ['success', 'failed', 'pending'];
const LOOKS = { success: 'good', failed: 'stop', pending: 'wait' };

export const page = { title: (params) => params.id, permission: 'reports:read', render };

function render({ params: { id }, signal }) {
  const body = loading((own) => summary(id, own), (answer) => (answer === null ? unknown(id) : shown(answer, signal)), { signal, lines: 10 });
  return h('div', null, pageHeader({ title: id, crumbs: [['/reports', text.nav.reports], ['/reports/merchants', text.nav.merchants]],
    actions: [copyButton(id, text.ui.copyId(id))] }), body, h('section', { 'aria-label': t.findLabel }, merchantSearch()));
}

/** The summary, its counts as text; null for a merchant of whom nothing is known. */
async function summary(id, signal) {
  try {
    return await reportJson(at`/v1/merchants/${id}/summary`, null, { signal });
  } catch (error) {
    if (error.code === 'merchant_not_found') return null;
    throw error;
  }
}

function unknown(id) {
  return h('div', { class: 'empty' }, h('p', null, t.noMerchant(id)), h('p', null, t.noMerchantHint),
    can('imports:write') ? h('p', null, link('/imports', t.toImports)) : null);
}

function shown(answer, signal) {
  const { merchant_id: id, products } = answer;
  const csv = csvButton(id, `florin-merchant-${id}`, () => ({ head: ['merchant_id', 'product', ...ENDS],
    rows: products.map((one) => [id, one.product, ...ENDS.map((end) => one[end])]) }));
  return [
    h('section', { 'aria-label': t.volume }, figures(answer), facts([[t.firstActivity, show(answer.first_activity)], [t.lastActivity, show(answer.last_activity)]])),
    h('section', { 'aria-labelledby': 'activities' }, h('div', { class: 'section-head' }, h('h2', { id: 'activities' }, t.activities), csv),
      charts.rows({ label: t.activities, desc: t.activitiesDesc(id), items: products.map(rowOf), valueText: formatCount }),
      productTable(products, signal)),
  ];
}

function figures({ volume, products }) {
  const counts = products.map(countsOf);
  const sum = (name) => counts.reduce((all, one) => all + one[name], 0n);
  const rate = sum('ended') === 0n ? text.none : t.percent(percent(sum('failed'), sum('ended')));
  return tiles(tile({ label: t.volume, value: moneyText(volume), sub: t.volumeSub }), tile({ label: t.activities, value: formatCount(sum('all')) }),
    tile({ label: t.failureRate, value: rate }));
}

function rowOf(one) {
  return { label: productWord(one.product), value: countsOf(one).all, parts: ENDS.map((end) => ({ label: t[end], value: one[end], look: LOOKS[end] })) };
}

function productTable(products, signal) {
  const count = (end) => ({ label: t[end], align: 'end', cell: (one) => formatCount(one[end]) });
  return table({ caption: t.activities, captionHidden: true, items: products, signal, columns: [
    { label: t.product, rowHeader: true, cell: (one) => productWord(one.product) }, ...ENDS.map(count),
    { label: t.failureRate, align: 'end', cell: rateOf },
  ] });
}

/** As the bank's report: of those that have ended, with one decimal. */
function rateOf(one) {
  const { ended, failed } = countsOf(one);
  return ended === 0n ? text.none : t.percent(percent(failed, ended));
}
