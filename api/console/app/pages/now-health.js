// How the parts of the bank are, and what it is busy with. Members that the bank does not tell are left out.
import { get } from '../api.js';
import { h, mount } from '../dom.js';
import { poll } from '../live.js';
import { formatCount, toText } from '../money.js';
import { text } from '../text.js';
import { ago, duration } from '../time.js';
import { badge, errorBox, facts, skeleton, tile, tiles } from '../ui/index.js';

const t = text.now;
const EVERY_MS = 5000;

/** The section; it asks again until the signal aborts. */
export function health(signal) {
  const place = h('div', { class: 'health' }, skeleton(6));
  const failure = h('div', null);
  const ask = async () => {
    const status = await get('/v1/status', null, { signal });
    mount(place, parts(status), busy(status));
    mount(failure);
  };
  const onError = (error) => mount(failure, errorBox(error, { signal }));
  poll(ask, EVERY_MS, signal, onError).catch(() => mount(place));
  return h('section', { 'aria-labelledby': 'health' }, h('h2', { id: 'health' }, t.health), failure, place);
}

function parts({ database, redis, journal, imports, version, uptime_s: uptime, workers }) {
  return facts([
    database && [t.database, [badge(database.status), ' ', h('span', { class: 'muted' }, database.kind)]],
    redis && [t.redis, badge(redis.status)],
    [t.journal, journal ? [t.journalAt(formatCount(journal.number)), ' ', h('span', { class: 'muted' }, ago(journal.at))] : h('span', { class: 'muted' }, t.unknown)],
    imports && [t.importsPart, t.importsRunning(imports.running, imports.waiting)],
    workers && [t.workers, workerWords(workers)],
    version && [t.version, version],
    uptime !== undefined && [t.uptime, duration(uptime)],
  ]);
}

/** Those that run are only counted. */
function workerWords(workers) {
  const unwell = workers.filter((worker) => worker.state !== 'running');
  if (unwell.length === 0) return [badge('running', { label: t.workersWell(workers.length) })];
  return h('ul', { class: 'plain' }, unwell.map((worker) => h('li', null, badge(worker.state), ' ', worker.name)));
}

function busy({ queue, commits }) {
  if (!queue && !commits) return null;
  return h('div', { class: 'stack' }, h('h3', null, t.latency), tiles(
    queue ? tile({ label: t.queue, value: formatCount(queue.waiting), sub: t.queueOf(formatCount(queue.max)) }) : null,
    commits ? tile({ label: t.commitsP50, value: latency(commits.p50_us), sub: commits.a_second === undefined ? '' : t.commitsSub(formatCount(commits.a_second)) }) : null,
    commits ? tile({ label: t.commitsP99, value: latency(commits.p99_us), sub: commits.p99_us === null ? t.commitsNone : '' }) : null,
  ));
}

/** Microseconds as milliseconds with two decimals. */
function latency(us) {
  return us === null || us === undefined ? text.none : t.ms(toText((BigInt(us) + 5n) / 10n, 2));
}
