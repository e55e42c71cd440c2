// A failure in words, with what the bank said about it: its detail, its code, and the id of the request for its log.
import * as connection from '../connection.js';
import { h } from '../dom.js';
import { format } from '../money.js';
import { text } from '../text.js';
import { button, copyButton } from './button.js';
import { icon } from './icon.js';

/** The failure in one sentence of the console's own. */
export function errorWords(error) {
  const words = text.problems[error.code];
  if (typeof words === 'function') return words({ ...error, available: grouped(error.available), remaining: grouped(error.remaining) });
  return words ?? (error.detail || text.errors.unknown);
}

/**
 * `errorBox(error, {retry, signal, title})`. With `retry` there is a button, and after the bank was away it is tried again by
 * itself.
 */
export function errorBox(error, { retry, signal, title } = {}) {
  const again = retry ? button(text.app.tryAgain, { click: retry }) : null;
  if (retry && error.status === 0) onceBack(retry, signal);
  return h('div', { class: 'error-box', role: 'alert', tabindex: '-1' }, icon('bad'),
    h('div', null, h('p', { class: 'error-title' }, title ?? errorWords(error)), details(error), again));
}

/** Amounts of the bank for people; a count, which has no point, stays as it is. */
function grouped(amount) {
  return amount?.includes('.') ? format(amount) : amount;
}

function details(error) {
  const words = errorWords(error);
  const isOwn = error.code === undefined;
  const wait = error.retryAfterS ? h('p', null, text.errors.wait(error.retryAfterS)) : null;
  const detail = error.detail && error.detail !== words ? h('p', null, text.errors.bankSays, ' ', h('q', null, error.detail)) : null;
  const id = error.requestId ? [h('dt', null, text.errors.requestId), h('dd', null, h('code', null, error.requestId),
    copyButton(error.requestId, text.errors.copyRequestId))] : null;
  const code = isOwn ? [h('dt', null, text.errors.fault), h('dd', null, String(error.message ?? error))]
    : [h('dt', null, text.errors.code), h('dd', null, h('code', null, error.code))];
  return [wait, detail, h('dl', { class: 'error-facts' }, code, id)];
}

function onceBack(retry, signal) {
  const end = connection.onChange((isAway) => {
    if (isAway) return;
    end();
    retry();
  }, signal);
}
