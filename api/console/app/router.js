// Moves between pages without loading anew. The address is the state: filters and cursors of a page are in its query.
import { clear, h, mount } from './dom.js';
import { isAbort } from './http.js';
import { findRoute, startPath } from './routes.js';
import * as session from './session.js';
import { text } from './text.js';
import { errorBox } from './ui/error-box.js';
import { pageHeader } from './ui/page-header.js';
import { isStale } from './version.js';

const BASE = '/console';
const SLOW_MS = 250;
const LATE_MS = 15_000;
const listeners = new Set();
const scrolls = new Map();
let main = null;
let leaving = null;
let place = null;

/** Begins: shows the page of the address in `outlet`, and every later one. */
export function startRouter(outlet) {
  main = outlet;
  history.scrollRestoration = 'manual';
  if (!history.state?.at) history.replaceState({ at: mark() }, '');
  addEventListener('popstate', () => show({ isBack: true }));
  addEventListener('scroll', () => place && scrolls.set(place, scrollY), { passive: true });
  return show({ isFirst: true });
}

/** Goes to a path below /console, such as `/wallets/123?tab=holds`. */
export function navigate(path, { replace = false } = {}) {
  const url = BASE + (path.startsWith('/') ? path : `/${path}`);
  history[replace ? 'replaceState' : 'pushState']({ at: mark() }, '', url);
  return show({});
}

/** Shows the page of the address anew. */
export function refreshPage() {
  return show({ isBack: true });
}

/** A link to a path below /console: `link('/wallets', 'Wallets', {class: 'quiet'})`. */
export function link(path, children, props) {
  const follow = (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(path);
  };
  return h('a', { href: BASE + path, ...props, on: { click: follow, ...props?.on } }, children);
}

/** The path below /console, without the query. */
export function current() {
  const path = location.pathname;
  return path.startsWith(BASE) ? path.slice(BASE.length) || '/' : '/';
}

/** The query of the address. */
export function query() {
  return new URLSearchParams(location.search);
}

/**
 * Writes parameters into the address; null and empty ones go away. The page stays as it is and loads what it needs itself;
 * "back" shows the page anew with the query of before.
 */
export function setQuery(values, { replace = false } = {}) {
  const params = query();
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === '') params.delete(name);
    else params.set(name, String(value));
  }
  const search = params.toString();
  const url = location.pathname + (search ? `?${search}` : '');
  if (url === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState']({ at: mark() }, '', url);
  place = history.state.at;
}

/** Calls `listener({path, title})` after each change of page. */
export function onNavigate(listener) {
  listeners.add(listener);
}

/** The path of the sign-in page that leads back to here. */
export function signInPath() {
  const here = current() + location.search;
  return here === '/' || findRoute(current())?.route.open ? '/sign-in' : `/sign-in?return=${encodeURIComponent(here)}`;
}

/** A path that came in by the query, if it is one of ours; else where the person begins. */
export function returnPath() {
  const wanted = query().get('return') ?? '';
  const isOurs = /^\/(?![/\\])/.test(wanted) && findRoute(wanted.split('?')[0]) !== null;
  return isOurs ? wanted : startPath(session.can);
}

async function show({ isBack = false, isFirst = false }) {
  leaving?.abort();
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  const round = new AbortController();
  leaving = round;
  const found = findRoute(current());
  const elsewhere = redirected(found);
  if (elsewhere !== null) return navigate(elsewhere, { replace: true });
  const waiting = announceWaiting(round.signal);
  const shown = await built(found, round.signal);
  waiting();
  if (round.signal.aborted) return undefined;
  place = history.state?.at ?? null;
  mount(main, shown.el);
  document.title = text.app.title(shown.title);
  scrollTo(0, isBack ? scrolls.get(place) ?? 0 : 0);
  if (!isFirst) focusHeading();
  for (const listener of listeners) listener({ path: current(), title: shown.title, isFirst });
  return undefined;
}

/** Where to go instead: strangers to the sign-in, and those who have signed in away from it. */
function redirected(found) {
  if (session.user() === null) return found?.route.open ? null : signInPath();
  if (current() === '/') return startPath(session.can);
  return ['/sign-in', '/register'].includes(found?.route.path) ? returnPath() : null;
}

async function built(found, signal) {
  if (found === null) return notice(text.app.noPage, text.app.noPageHint);
  let page;
  try {
    ({ page } = await found.route.load());
  } catch {
    return unloadable();
  }
  if (page.permission && !session.can(page.permission)) return notice(text.app.notAllowed, text.app.notAllowedHint);
  try {
    const el = await page.render({ params: found.params, query: query(), signal });
    return { el, title: titled(page, found.params) };
  } catch (error) {
    if (isAbort(error)) return notice(titled(page, found.params), '');
    const title = titled(page, found.params);
    return { title, el: h('div', null, pageHeader({ title }), errorBox(error, { retry: refreshPage, signal })) };
  }
}

function titled(page, params) {
  return typeof page.title === 'function' ? page.title(params) : page.title;
}

function notice(title, hint) {
  const back = link('/', text.app.toStart);
  return { title, el: h('div', null, pageHeader({ title }), h('p', null, hint), h('p', null, back)) };
}

/** The page's file cannot be loaded: the bank was upgraded, so that its old files are gone, or it does not answer. */
async function unloadable() {
  const [title, hint] = (await isStale()) ? [text.app.upgraded, text.app.upgradedHint] : [text.app.unloadable, text.app.unloadableHint];
  const reload = h('button', { class: 'button primary', type: 'button', on: { click: () => location.reload() } }, text.app.reload);
  return { title, el: h('div', null, pageHeader({ title }), h('p', null, hint), reload) };
}

/** While a page takes long, a line at the top says so; after 15 s in words, with a way out. Answers how to end it. */
function announceWaiting(signal) {
  const bar = document.getElementById('waiting');
  const begin = setTimeout(() => {
    main.setAttribute('aria-busy', 'true');
    bar?.removeAttribute('hidden');
  }, SLOW_MS);
  const late = setTimeout(() => {
    const again = h('button', { class: 'button', type: 'button', on: { click: refreshPage } }, text.app.tryAgain);
    if (bar) mount(bar, h('span', null, text.app.late), ' ', again);
  }, LATE_MS);
  const end = () => {
    clearTimeout(begin);
    clearTimeout(late);
    if (leaving?.signal !== signal) return;
    main.removeAttribute('aria-busy');
    if (bar) clear(bar).setAttribute('hidden', '');
  };
  return end;
}

/** A screen reader says the heading, and the next Tab goes on from it. */
function focusHeading() {
  main.querySelector('h1')?.focus({ preventScroll: true });
}

function mark() {
  return `${Date.now()}-${scrolls.size}-${Math.floor(performance.now() * 1000)}`;
}
