import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { grantable, may, PERMISSIONS } from './permissions.js';
import { customerNav, findRoute, routes, staffNav, startPath } from './routes.js';
import { text } from './text.js';

test('a path finds its page and parameters, words before parameters', () => {
  const found = (path) => { const { route, params } = findRoute(path); return [route.path, params]; };
  assert.deepEqual(found('/wallets/a%2Fb'), ['/wallets/:id', { id: 'a/b' }]);
  assert.deepEqual(found('/transfers/new'), ['/transfers/new', {}]);
  assert.deepEqual(found('/transfers/x/'), ['/transfers/:id', { id: 'x' }]);
  for (const none of ['/', '/nope', '/wallets/a/b', '/wallets/%E0']) assert.equal(findRoute(none), null, none);
});

test('every page of the table has a file, and every entry of the navigation a page and a word', () => {
  for (const { load } of routes) {
    const [, file] = /import\('\.\/(.+)'\)/.exec(String(load));
    assert.ok(existsSync(new URL(file, import.meta.url)), file);
  }
  for (const item of [...staffNav, ...customerNav].flatMap((one) => [one, ...(one.items ?? [])])) {
    assert.equal(typeof text.nav[item.label], 'string', item.label);
    if (item.path) assert.notEqual(findRoute(item.path), null, item.path);
    if (item.permission) assert.ok(item.permission in PERMISSIONS, item.permission);
  }
});

test('the permissions are those of the bank', () => {
  const rust = readFileSync(new URL('../../../service/src/actor/permissions.rs', import.meta.url), 'utf8');
  const table = [...rust.matchAll(/^ {4}\w+ = "([a-z_:]+)": ([A-Za-z ]+);$/gm)].map(([, word, roles]) => [word, roles.toLowerCase().split(' ').sort()]);
  assert.ok(table.length > 20);
  assert.deepEqual(Object.entries(PERMISSIONS).map(([word, roles]) => [word, [...roles].sort()]), table);
  assert.ok(!grantable('admin').includes('users:manage'));
  assert.ok(may('customer', 'wallets:open') && !may('auditor', 'transfers:write') && !may('x', 'wallets:read'));
});

test('every code of a problem has words', () => {
  const openapi = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
  for (const code of openapi.components.schemas.Problem.properties.code.enum) assert.ok(text.problems[code], code);
  for (const words of Object.values(text.problems)) assert.ok(typeof words === 'string' || typeof words({}) === 'string');
});

test('who may read the reports begins with them', () => {
  assert.equal(startPath((word) => may('auditor', word)), '/now');
  assert.equal(startPath((word) => may('support', word)), '/wallets');
  assert.equal(startPath((word) => may('customer', word)), '/wallets');
});

test('every page that a role may open, and that needs no id, has a link', async () => {
  // The account's menu of the staff leads to these.
  const menu = ['/profile', '/sessions'];
  for (const role of ['customer', 'support', 'operator', 'auditor', 'admin']) {
    const nav = (role === 'customer' ? customerNav : staffNav).flatMap((item) => [item, ...(item.items ?? [])]);
    const linked = nav.filter((item) => item.path && (!item.permission || may(role, item.permission))).map(({ path }) => path);
    for (const { path, load } of routes.filter((route) => !route.open && !route.path.includes(':'))) {
      const { page } = await load();
      if (!page.permission || may(role, page.permission)) assert.ok([...linked, ...menu].includes(path), `${role}: ${path}`);
    }
  }
});
