// Every page of the route table as customer, operator and admin: it is there, it fits, and axe finds nothing.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';
import { headed, seen, settled } from './hands.mjs';
import { furnish, openPlaces, placesOf } from './places.mjs';
import { NARROW, stage, WIDE } from './stage.mjs';
import { axeScript } from './tools.mjs';

const axe = await axeScript();

const { bank, scenario } = await stage();
const { customer, idOf } = await furnish(bank);
const people = { customer, operator: bank.operator, admin: bank.admin };

scenario('the pages of strangers', async ({ visitor }) => {
  await haveNoFaults(await visitor(), await openPlaces());
});

for (const [role, person] of Object.entries(people)) {
  scenario(`every page as ${role}`, async ({ visitor }) => {
    const me = await visitor();
    await me.signIn(person);
    const places = await placesOf(role, idOf);
    assert.ok(places.some(({ isAllowed }) => isAllowed));
    await haveNoFaults(me, places);
    await everyLinkLeadsToOneOf(me.page, places);
  });
}

scenario('an address that leads nowhere says so', async ({ visitor }) => {
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto('/nowhere');
  await headed(me.page, text.app.noPage);
  await seen(me.page.getByRole('link', { name: text.app.toStart }));
});

/** All pages are looked at before the first fault fails the scenario: the next one costs another run. */
async function haveNoFaults(me, places) {
  const faults = [];
  for (const one of places) faults.push(...await look(me, one));
  if (faults.length > 0) assert.fail(faults.join('\n'));
}

/** The faults of a page, wide in light and narrow in dark, so that axe sees both of each. */
async function look(me, { path, address, isAllowed }) {
  const { page } = me;
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: 'light' });
  await me.goto(address);
  await settled(page);
  const faults = [...await wordsOf(page, isAllowed), ...await axeOn(page)].map((fault) => `${path}, wide and light: ${fault}`);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize(NARROW);
  return [...faults, ...[...await widthOf(page), ...await axeOn(page)].map((fault) => `${path}, narrow and dark: ${fault}`)];
}

/** A title, one heading, one main part, and what the reader's role admits. */
async function wordsOf(page, isAllowed) {
  const headings = await page.getByRole('heading', { level: 1 }).allTextContents();
  const parts = await page.getByRole('main').count();
  const alerts = await page.getByRole('main').getByRole('alert').allTextContents();
  const body = await page.getByRole('main').textContent();
  return [
    headings.length !== 1 && `first headings: ${headings}`,
    parts !== 1 && `${parts} main parts`,
    (headings[0] === text.app.notAllowed) === isAllowed && `says "${headings[0]}"`,
    !(await page.title()).endsWith(text.app.title('')) && `its title is "${await page.title()}"`,
    (await page.title()).startsWith('undefined') && 'has no title',
    /undefined|\[object|NaN/.test(body) && `shows ${/.{0,40}(undefined|\[object|NaN).{0,40}/s.exec(body)[0]}`,
    ...alerts,
  ].filter(Boolean);
}

async function widthOf(page) {
  const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  return needed > there ? [`${needed} px wide where ${there} are there: ${await page.evaluate(tooWide)}`] : [];
}

/** In the page: the deepest elements that reach beyond it. */
function tooWide() {
  const beyond = [...document.body.querySelectorAll('*')].filter((el) => el.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
  return beyond.filter((el) => !beyond.some((other) => el !== other && el.contains(other))).slice(0, 3).map((el) => el.outerHTML.slice(0, 120)).join(' ');
}

async function axeOn(page) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'], preload: false });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`));
  });
}

/** What the navigation offers is a page that the person may see. */
async function everyLinkLeadsToOneOf(page, places) {
  await page.setViewportSize(WIDE);
  const links = await page.getByRole('navigation', { name: text.nav.label }).getByRole('listitem').getByRole('link').all();
  const allowed = new Set(places.filter(({ isAllowed }) => isAllowed).map(({ address }) => `/console${address}`));
  assert.ok(links.length > 3);
  for (const link of links) assert.ok(allowed.has(await link.getAttribute('href')), await link.getAttribute('href'));
}
