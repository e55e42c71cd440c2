// The state of a thing: an icon, a word and a colour, never the colour alone.
import { h } from '../dom.js';
import { text } from '../text.js';
import { icon } from './icon.js';

const LOOKS = {
  good: ['COMPLETED', 'ACTIVE', 'active', 'delivered', 'ok', 'running'],
  wait: ['PENDING', 'RUNNING', 'pending'],
  pause: ['FROZEN', 'paused', 'suspended', 'away', 'parked', 'degraded'],
  stop: ['FAILED', 'disabled', 'failed', 'failing', 'down', 'stopped'],
  info: ['CLOSED', 'erased', 'none'],
};
const LOOK_OF = Object.fromEntries(Object.entries(LOOKS).flatMap(([look, words]) => words.map((word) => [word, look])));

/** `badge('FROZEN')`; `look` (`good`, `wait`, `pause`, `stop`, `info`) and `label` for words that the table does not have. */
export function badge(status, { look = LOOK_OF[status] ?? 'info', label = text.status[status] ?? status } = {}) {
  return h('span', { class: `badge badge-${look}` }, icon(look), h('span', null, label));
}
