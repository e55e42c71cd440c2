// The five reports on what merchants do: each as a chart, with its numbers and as a CSV file.
import { reportJson } from '../../api.js';
import * as charts from '../../charts.js';
import { h, mount } from '../../dom.js';
import { sleep } from '../../live.js';
import { formatCount } from '../../money.js';
import { link } from '../../router.js';
import { can } from '../../session.js';
import { text } from '../../text.js';
import { loading, pageHeader, tile, tiles } from '../../ui/index.js';
import { csvButton } from './csv-button.js';
import { dayText, monthOf } from './days.js';
import { grouped, merchantPath, monthPoints, productWord } from './figures.js';
import { merchantSearch } from './merchant-search.js';

const t = text.reports;
const PAUSE_MIN_MS = 1000;
const PAUSE_MAX_MS = 15_000;

export const page = { title: text.nav.merchants, permission: 'reports:read', render };

/** `draw(answer)` answers what is shown, or null if the answer says that there is nothing; `table(answer)` the CSV file. */
const TOP = {
  id: 'top-merchant', title: t.top, draw: top,
  table: (answer) => ({ head: ['merchant_id', 'total_volume'], rows: [[answer.merchant_id, answer.total_volume]] }),
};
const ACTIVE = {
  id: 'monthly-active-merchants', title: t.active, draw: active,
  table: (answer) => ({ head: ['month', 'merchants'], rows: Object.entries(answer) }),
};
const FUNNEL = {
  id: 'kyc-funnel', title: t.funnel, draw: funnel,
  table: (answer) => ({ head: ['step', 'merchants'], rows: Object.entries(answer) }),
};
const ADOPTION = {
  id: 'product-adoption', title: t.adoption, draw: adoption,
  table: (answer) => ({ head: ['product', 'merchants'], rows: Object.entries(answer) }),
};
const FAILURES = {
  id: 'failure-rates', title: t.failures, draw: failures,
  table: (answer) => ({ head: ['product', 'failure_rate'], rows: answer.map((one) => [one.product, one.failure_rate]) }),
};

function render({ signal }) {
  const part = (report) => section(report, signal);
  return h('div', null, pageHeader({ title: text.nav.merchants, sub: t.merchantsSub }),
    h('div', { class: 'split' }, part(TOP), h('section', { 'aria-label': t.findLabel }, merchantSearch())),
    h('div', { class: 'split' }, part(ACTIVE), part(FUNNEL)),
    h('div', { class: 'split' }, part(ADOPTION), part(FAILURES)));
}

function section({ id, title, draw, table }, signal) {
  const place = h('span', null);
  const note = h('div', { role: 'status' });
  const body = loading((own) => answered(`/analytics/${id}`, own, note), (answer) => {
    const shown = answer === null ? null : draw(answer);
    mount(place, shown === null ? null : csvButton(title, `florin-${id}`, () => table(answer)));
    return shown ?? nothing();
  }, { signal, lines: 5 });
  return h('section', { 'aria-labelledby': id }, h('div', { class: 'section-head' }, h('h2', { id }, title), place), note, body);
}

/** The report; null while there is nothing to report on. While the first import runs it is asked for again and again. */
async function answered(path, signal, note) {
  for (let pause = PAUSE_MIN_MS; ; pause = Math.min(PAUSE_MAX_MS, pause * 2)) {
    try {
      const answer = await reportJson(path, null, { signal });
      mount(note);
      return answer;
    } catch (error) {
      if (error.code === 'import_running') mount(note, h('p', { class: 'muted' }, t.importRunning));
      else mount(note);
      if (error.code === 'not_found') return null;
      if (error.code !== 'import_running') throw error;
    }
    await sleep(pause, signal);
  }
}

function nothing() {
  return h('div', { class: 'empty' }, h('p', null, t.noReport), h('p', null, t.noReportHint),
    can('imports:write') ? h('p', null, link('/imports', t.toImports)) : null);
}

function top({ merchant_id: id, total_volume: volume }) {
  return h('div', { class: 'stack' }, tiles(tile({ label: t.merchant, value: link(merchantPath(id), id), sub: t.topSub }),
    tile({ label: t.volume, value: grouped(volume), sub: t.volumeSub })));
}

function active(counts) {
  return charts.line({ label: t.active, desc: t.activeDesc, series: [{ label: t.merchants, points: monthPoints(counts) }],
    xText: (x) => dayText(monthOf(x)), yText: formatCount });
}

function adoption(counts) {
  const items = Object.entries(counts).map(([product, value]) => ({ label: productWord(product), value }));
  return described(t.adoptionDesc, charts.rows({ label: t.adoption, desc: t.adoptionDesc, items, valueText: formatCount }));
}

/** The funnel is answered also where there is no activity, with zeros. */
function funnel(answer) {
  const steps = Object.entries(t.steps).map(([step, label]) => ({ label, value: answer[step] }));
  if (steps.every(({ value }) => BigInt(value) === 0n)) return null;
  return described(t.funnelDesc, charts.funnel({ label: t.funnel, desc: t.funnelDesc, steps }));
}

function failures(rates) {
  const items = rates.map((one) => ({ label: productWord(one.product), value: one.failure_rate, look: 'stop' }));
  return described(t.failuresDesc, charts.rows({ label: t.failures, desc: t.failuresDesc, items, valueText: t.percent, most: '100' }));
}

function described(words, chart) {
  return h('div', { class: 'stack' }, h('p', { class: 'muted' }, words), chart);
}
