// What every file of tests begins with: a bank, a browser, and scenarios that end with a look at the browser's log.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { text } from '../../api/console/app/text.js';
import { startBank } from './bank.mjs';
import { fill, press, seen } from './hands.mjs';
import { openBrowser } from './tools.mjs';

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 360, height: 740 };
const SCENARIO_MS = 60_000;
const STEP_MS = 15_000;
const failures = process.env.BROWSER_TESTS_FAILURES ?? '';

/** `{bank, browser, scenario(name, body)}`; both end with the file. `flags` are further ones of `florin serve`. */
export async function stage({ flags } = {}) {
  const [bank, browser] = await Promise.all([startBank({ flags }), openBrowser()]);
  after(async () => {
    await browser.close();
    await bank.remove();
  });
  const scenario = (name, body) => test(name, { timeout: SCENARIO_MS }, () => play({ name, body, bank, browser }));
  return { bank, browser, scenario };
}

/** Runs a scenario with visitors of its own; it fails too where the log of one holds what it should not. */
async function play({ name, body, bank, browser }) {
  const visitors = [];
  const visitor = async (options) => {
    const made = await Visitor.open(browser, bank, options);
    visitors.push(made);
    return made;
  };
  try {
    await body({ bank, visitor });
    for (const one of visitors) await one.log.check();
  } catch (error) {
    await keepFailure(name, visitors, bank);
    throw error;
  } finally {
    for (const one of visitors) await one.context.close();
  }
}

/** Leaves a picture of each open page, with its log, for the one who mends it. */
async function keepFailure(name, visitors, bank) {
  if (failures === '') return;
  await mkdir(failures, { recursive: true });
  const base = join(failures, name.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 80));
  const pages = visitors.flatMap((one) => one.context.pages());
  for (const [n, page] of pages.entries()) await page.screenshot({ path: `${base}-${n}.png`, fullPage: true }).catch(() => null);
  const said = visitors.flatMap((one) => one.log.found);
  await writeFile(`${base}.txt`, [...pages.map((page) => page.url()), ...said, bank.log].join('\n'));
}

/** A person at a browser of their own: its cookies, its storage and its tabs. */
export class Visitor {
  static async open(browser, bank, { size = WIDE, scheme = 'light', host = null } = {}) {
    const context = await browser.newContext({ viewport: size, colorScheme: scheme, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Berlin', acceptDownloads: true });
    context.setDefaultTimeout(STEP_MS);
    const made = new Visitor();
    const url = host === null ? bank.url : bank.url.replace('127.0.0.1', host);
    Object.assign(made, { bank, url, context, log: new Log(context, url) });
    await made.log.begin();
    made.page = await context.newPage();
    return made;
  }

  /** Opens a path below /console. */
  async goto(path, page = this.page) {
    await page.goto(`${this.url}/console${path}`);
  }

  /** Signs in by the form, and waits for the page that comes then. */
  async signIn({ email, password }, path = '/sign-in') {
    await this.goto(path);
    await fill(this.page, text.enter.email, email);
    await fill(this.page, text.enter.password, password);
    await press(this.page, text.enter.signIn);
    await seen(this.page.getByRole('navigation', { name: text.nav.label }));
  }
}

/** What the browser says, and where it asks. */
class Log {
  constructor(context, url) {
    this.context = context;
    this.url = url;
    this.found = [];
    this.allowed = [];
  }

  async begin() {
    await this.context.exposeFunction('__violated', (what) => this.#note(`policy: ${what}`));
    await this.context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => globalThis.__violated(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
    });
    this.context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#note(`console: ${message.text()} ${message.location().url}`);
    });
    this.context.on('weberror', (error) => this.#note(`page: ${error.error().stack ?? error.error()}`));
    this.context.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && origin !== this.url) this.#note(`left the origin: ${request.url()}`);
    });
  }

  /**
   * Chromium itself writes each refusal into its log. These statuses are expected in this scenario; 'away' stands for a bank
   * that does not answer.
   */
  expect(...statuses) {
    for (const status of statuses) {
      this.allowed.push(status === 'away' ? /^console: Failed to load resource: net::ERR_/ : new RegExp(`^console: Failed to load resource: .*status of ${status} `));
    }
  }

  check() {
    const left = this.found.filter((line) => !this.allowed.some((pattern) => pattern.test(line)));
    if (left.length > 0) assert.fail(left.join('\n'));
  }

  #note(line) {
    this.found.push(line);
  }
}
