// The packages of package.json, which scripts/tools.sh installs into target/tools/browser, and the browser that they drive.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const installed = createRequire(`${process.env.BROWSER_TESTS_TOOLS}/package.json`);
const { chromium } = installed('playwright-core');
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP florin.test 127.0.0.1'];

/**
 * Starts Debian's Chromium. To it florin.test is this machine, but no loopback address, so that it keeps no secure cookies from
 * there. `--headless=new` is among the flags, so the library must not add the old one.
 */
export function openBrowser() {
  return chromium.launch({ executablePath: process.env.BROWSER_TESTS_CHROMIUM, headless: false, args: FLAGS });
}

/** The script that finds what people with screen readers or weak eyes cannot use. */
export function axeScript() {
  return readFile(installed.resolve('axe-core/axe.min.js'), 'utf8');
}
