// What the console costs: its bytes over the wire, and the time until something is seen. Runs alone, since a time is measured.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from '../../api/console/app/text.js';
import { headed, settled } from './hands.mjs';
import { furnish, placesOf } from './places.mjs';
import { stage } from './stage.mjs';

const FOLDER = fileURLToPath(new URL('../../api/console', import.meta.url));
/** As in api/src/console/site.rs. */
const NOT_SERVED = ['.test.js', '.md'];
const WIRE_MAX_BYTES = 300_000;
const FIRST_PAINT_MAX_MS = 1000;

const { bank, scenario } = await stage();
const { idOf } = await furnish(bank);

scenario('all files of the console are below 300 kB over the wire', async () => {
  const index = await (await fetch(`${bank.url}/console/`)).text();
  const [folder] = /\/console\/assets\/[^/"]+\//.exec(index);
  const names = await served();
  let sum = await zippedBytes(`${bank.url}/console/`);
  for (const name of names) sum += await zippedBytes(`${bank.url}${folder}${name}`);
  console.log(`# ${names.length + 1} files of the console, ${sum} bytes`);
  assert.ok(names.length > 40, String(names));
  assert.ok(sum < WIRE_MAX_BYTES, `${sum} bytes`);
});

scenario('what the pages of an admin load is below 300 kB over the wire', async ({ visitor }) => {
  const me = await visitor();
  const wire = await countBytes(me);
  await me.signIn(bank.admin);
  for (const { address } of await placesOf('admin', idOf)) {
    await me.goto(address);
    await settled(me.page);
  }
  const sum = [...wire.values()].reduce((all, bytes) => all + bytes, 0);
  console.log(`# ${wire.size} files for the pages of an admin, ${sum} bytes over the wire`);
  assert.ok(wire.size > 40, `only ${[...wire.keys()]}`);
  assert.ok(sum < WIRE_MAX_BYTES, `${sum} bytes`);
});

scenario('the first contents are there within a second', async ({ visitor }) => {
  const times = [];
  for (let n = 0; n < 3; n += 1) {
    const me = await visitor();
    await me.goto('/sign-in');
    await headed(me.page, text.enter.signInTitle);
    times.push(await me.page.evaluate(firstPaint));
  }
  const me = await visitor();
  await me.signIn(bank.operator);
  await me.goto('/now');
  await headed(me.page, text.now.title);
  times.push(await me.page.evaluate(firstPaint));
  console.log(`# first contents after ${times.map(Math.round).join(', ')} ms, the last on the page Now`);
  assert.ok(Math.max(...times) < FIRST_PAINT_MAX_MS, String(times));
});

/** The names of the files that are served, but for the index. */
async function served() {
  const entries = await readdir(FOLDER, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)));
  return names.filter((name) => name !== 'index.html' && !NOT_SERVED.some((end) => name.endsWith(end)));
}

/** The bytes of an answer's body as it arrives. */
function zippedBytes(url) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': 'gzip' } }, async (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} is answered with ${response.statusCode}`));
      let sum = 0;
      for await (const piece of response) sum += piece.length;
      resolve(sum);
    }).on('error', reject);
  });
}

/** The bytes of each of the console's files as they arrive, by path; those from the browser's cache are not there. */
async function countBytes(me) {
  const wire = new Map();
  const client = await me.context.newCDPSession(me.page);
  const paths = new Map();
  client.on('Network.responseReceived', ({ requestId, response }) => {
    const { pathname } = new URL(response.url);
    if (pathname.startsWith('/console') && !response.fromDiskCache) paths.set(requestId, pathname.includes('/assets/') ? pathname : '/console');
  });
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const path = paths.get(requestId);
    if (path !== undefined) wire.set(path, Math.max(wire.get(path) ?? 0, encodedDataLength));
  });
  await client.send('Network.enable');
  return wire;
}

/** Waits for the first contents, and answers how many milliseconds after the beginning of the navigation it was. */
function firstPaint() {
  return new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [entry] = list.getEntriesByName('first-contentful-paint');
      if (entry) resolve(entry.startTime);
    }).observe({ type: 'paint', buffered: true });
  });
}
