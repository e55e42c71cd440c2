// Takes a picture of each page as admin, as a customer and as a stranger: in light and dark, wide and narrow. A contact sheet of
// each mode shows them side by side. Arguments: the bank's address, the folder, the password of all, an admin, a customer.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from '../../api/console/app/text.js';
import { fill, press, seen, settled } from './hands.mjs';
import { openPlaces, placesOf } from './places.mjs';
import { openBrowser } from './tools.mjs';

const [url, folder, password, admin, customer] = process.argv.slice(2);
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const SCHEMES = ['light', 'dark'];
/** Taller pages are cut: a list of hundreds of rows shows nothing new at its end. */
const HEIGHT_MAX = 4000;
/** The charts of what moves now begin empty. */
const MOVING_MS = 20_000;
const LISTS = { '/wallets/:id': '/v1/wallets?limit=20', '/transfers/:id': '/v1/transfers?kind=TRANSFER&status=COMPLETED&limit=1', '/imports/:id': '/v1/imports?limit=1',
  '/people/:id': '/v1/users?role=customer&limit=1', '/webhooks/:id': '/v1/webhooks?limit=1' };

const browser = await openBrowser();
const names = [];
try {
  await mkdir(folder, { recursive: true });
  await shoot('stranger', null, await openPlaces());
  for (const [role, email] of Object.entries({ admin, customer })) {
    const page = await signedIn(email);
    await shoot(role, page, await placesOf(role, await idsOf(page, email)));
  }
  for (const scheme of SCHEMES) for (const size of Object.keys(SIZES)) await contactSheet(scheme, size);
} finally {
  await browser.close();
}

async function signedIn(email) {
  const page = await opened();
  await page.goto(`${url}/console/sign-in`);
  await fill(page, text.enter.email, email);
  await fill(page, text.enter.password, password);
  await press(page, text.enter.signIn);
  await seen(page.getByRole('navigation', { name: text.nav.label }));
  return page;
}

async function opened() {
  const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Berlin' });
  return context.newPage();
}

/** The newest thing of each kind that this person may see; of the wallets the one with the most entries of twenty. */
async function idsOf(page, email) {
  const response = await page.request.post(`${url}/v1/auth/login`, { data: { email, password } });
  const headers = { Authorization: `Bearer ${(await response.json()).access_token}` };
  const found = { '/reports/merchants/:id': (await read('/analytics/top-merchant'))?.merchant_id };
  for (const [path, list] of Object.entries(LISTS)) {
    const items = (await read(list))?.items ?? [];
    const best = path === '/wallets/:id' ? items.filter(({ user_id: id }) => id).sort((a, b) => b.version - a.version) : items;
    found[path] = best[0]?.id;
  }
  return (path) => found[path];

  async function read(path) {
    const answer = await page.request.get(url + path, { headers });
    return answer.ok() ? answer.json() : null;
  }
}

async function shoot(who, signed, places) {
  const page = signed ?? await opened();
  for (const { path, address, isAllowed } of places) {
    if (!isAllowed || address.endsWith('/')) continue;
    await page.setViewportSize(SIZES.wide);
    await page.goto(`${url}/console${address}`);
    await settled(page);
    if (path === '/now') await page.waitForTimeout(MOVING_MS);
    const name = `${who}${path.replaceAll(/[/:]+/g, '-')}`;
    names.push(name);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const scheme of SCHEMES) {
        await page.emulateMedia({ colorScheme: scheme });
        await picture(page, `${name}.${scheme}.${size}.png`, viewport);
      }
    }
  }
}

async function picture(page, file, { width }) {
  const height = Math.min(HEIGHT_MAX, await page.evaluate(() => document.documentElement.scrollHeight));
  await page.screenshot({ path: join(folder, file), fullPage: true, clip: { x: 0, y: 0, width, height } });
}

/** A page of all pictures of one mode, for a browser and as one picture. */
async function contactSheet(scheme, size) {
  const columns = size === 'wide' ? 3 : 6;
  const figures = names.map((name) => `<figure><img src="${name}.${scheme}.${size}.png" alt=""><figcaption>${name}</figcaption></figure>`);
  const style = `body{margin:24px;font:14px sans-serif;background:#888;display:grid;grid-template-columns:repeat(${columns},1fr);gap:24px;align-items:start}
    figure{margin:0}img{width:100%;max-height:${size === 'wide' ? 420 : 560}px;object-fit:cover;object-position:top}`;
  const file = join(folder, `all.${scheme}.${size}.html`);
  await writeFile(file, `<!doctype html><meta charset="utf-8"><title>${scheme}, ${size}</title><style>${style}</style>${figures.join('\n')}\n`);
  const page = await opened();
  await page.setViewportSize({ width: 1800, height: 1000 });
  await page.goto(`file://${file}`);
  await page.screenshot({ path: file.replace(/html$/, 'png'), fullPage: true });
  assert.equal(await page.evaluate(() => [...document.images].filter((image) => image.naturalWidth === 0).length), 0, 'every picture is there');
  await page.context().close();
}
