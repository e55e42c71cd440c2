// The frame around every page: skip link, navigation, the person's menu, and what the bank's state makes known.
import * as connection from './connection.js';
import { clear, h, mount } from './dom.js';
import { openHelp } from './help.js';
import { current, link, navigate, onNavigate, signInPath } from './router.js';
import { customerNav, findRoute, staffNav } from './routes.js';
import * as session from './session.js';
import { text } from './text.js';
import { icon } from './ui/icon.js';
import { toastRegion } from './ui/toast.js';
import { isStale } from './version.js';

/** Builds the frame into `app` and answers the element for the pages. */
export function buildShell(app) {
  const main = h('main', { id: 'main', tabindex: '-1' });
  const side = h('div', { class: 'side' });
  const banner = h('div', { class: 'banners', role: 'status' });
  const waiting = h('div', { id: 'waiting', class: 'waiting', role: 'status', hidden: true });
  const skip = h('a', { class: 'skip', href: '#main', on: { click: (event) => jump(event, main) } }, text.app.skip);
  mount(app, skip, side, h('div', { class: 'body' }, banner, waiting, main, foot()), toastRegion());
  drawSide(app, side);
  session.onChange((user) => {
    drawSide(app, side);
    if (user === null && !findRoute(current())?.route.open) navigate(signInPath(), { replace: true });
  });
  onNavigate(() => {
    markCurrent(side);
    closeMenu(side);
  });
  connection.onChange((isAway) => drawBanner(banner, isAway));
  return main;
}

/** Below every page. */
function foot() {
  return h('footer', { class: 'foot', 'aria-label': text.help.footer }, h('button', { class: 'link', type: 'button', on: { click: openHelp } }, text.help.title));
}

function drawSide(app, side) {
  const user = session.user();
  app.dataset.frame = user === null ? 'bare' : 'full';
  const brand = [icon('mark'), h('span', null, text.app.name)];
  if (user === null) {
    mount(side, h('header', { class: 'top' }, h('p', { class: 'brand' }, brand)));
    return;
  }
  const list = session.staff() ? staffNav : customerNav;
  const id = 'nav';
  const toggle = h('button', { class: 'button quiet menu-toggle', type: 'button', 'aria-expanded': 'false', 'aria-controls': id,
    on: { click: () => setMenu(side, side.dataset.open !== 'yes') } }, icon('menu'), text.nav.menu);
  const nav = h('nav', { id, 'aria-label': text.nav.label }, h('ul', null, list.map(navItem)), person(user));
  mount(side, h('header', { class: 'top' }, link('/', brand, { class: 'brand' }), toggle), nav);
  nav.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || side.dataset.open !== 'yes') return;
    setMenu(side, false);
    toggle.focus();
  });
  markCurrent(side);
}

function navItem(item) {
  if (item.permission && !session.can(item.permission)) return null;
  if (!item.items) return h('li', null, link(item.path, text.nav[item.label]));
  const items = item.items.map(navItem).filter(Boolean);
  return items.length === 0 ? null : h('li', null, h('span', { class: 'nav-title' }, text.nav[item.label]), h('ul', null, items));
}

/** The person, with what is theirs. A customer has profile and sessions in the list above. */
function person(user) {
  const own = session.staff() ? [link('/profile', text.nav.profile), link('/sessions', text.nav.sessions)] : [];
  const out = h('button', { class: 'link', type: 'button', on: { click: () => leave() } }, text.nav.signOut);
  return h('details', { class: 'person' },
    h('summary', null, icon('person'), h('span', null, h('strong', null, user.full_name), h('small', null, text.roles[user.role] ?? user.role))),
    h('ul', null, h('li', { class: 'muted' }, user.email), own.map((entry) => h('li', null, entry)), h('li', null, out)));
}

async function leave() {
  await session.signOut();
  navigate('/sign-in', { replace: true });
}

/** The entry of the page, or of the list that it belongs to. */
function markCurrent(side) {
  const path = `/console${current()}`;
  const links = [...side.querySelectorAll('nav a')];
  const fitting = links.filter((a) => path === a.getAttribute('href') || path.startsWith(`${a.getAttribute('href')}/`));
  fitting.sort((a, b) => b.getAttribute('href').length - a.getAttribute('href').length);
  for (const a of links) a.removeAttribute('aria-current');
  fitting[0]?.setAttribute('aria-current', path === fitting[0].getAttribute('href') ? 'page' : 'true');
}

function setMenu(side, isOpen) {
  side.dataset.open = isOpen ? 'yes' : 'no';
  side.querySelector('.menu-toggle')?.setAttribute('aria-expanded', String(isOpen));
}

function closeMenu(side) {
  setMenu(side, false);
  side.querySelector('.person')?.removeAttribute('open');
}

/** While the bank is away a banner says so. When it is back it may be another version: then the reader chooses when to load it. */
async function drawBanner(banner, isAway) {
  const button = (label, click) => h('button', { class: 'button', type: 'button', on: { click } }, label);
  if (isAway) {
    mount(banner, h('div', { class: 'banner bad' }, icon('bad'), h('span', null, text.connection.away), button(text.connection.tryNow, connection.probe)));
    return;
  }
  clear(banner);
  if (await isStale()) {
    mount(banner, h('div', { class: 'banner' }, icon('info'), h('span', null, text.app.upgradedHint), button(text.app.reload, () => location.reload())));
  }
}

function jump(event, main) {
  event.preventDefault();
  (main.querySelector('h1') ?? main).focus();
}
