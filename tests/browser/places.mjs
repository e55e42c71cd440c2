// Every page of the route table, as a role sees it: its address with ids of the bank, and whether it is theirs.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { may } from '../../api/console/app/permissions.js';
import { routes } from '../../api/console/app/routes.js';
import { until } from './bank.mjs';

export const samples = join(dirname(fileURLToPath(import.meta.url)), '../../samples');

/**
 * Fills the bank so that every page has something to show, and answers the ids that stand for `:id`, by the path of the route.
 * `customer` owns the wallet and all that hangs on it.
 */
export async function furnish(bank) {
  const [operator, customer, payee] = [await bank.asOperator(), await bank.customer('Carla', { amount: '2500.00' }), await bank.customer('Paul')];
  const pay = (body) => customer.api.post('/v1/transfers', { source_wallet_id: customer.wallet, destination_wallet_id: payee.wallet, ...body }, 201);
  const transfer = await pay({ amount: '120.50', description: 'Rent' });
  await pay({ amount: '75.00', description: 'Bicycle', hold: true });
  await operator.post(`/v1/transfers/${transfer.id}/reverse`, { amount: '20.50' }, 201);
  await operator.put(`/v1/wallets/${customer.wallet}/limits`, { per_transfer: '1000.00', per_day_count: 50 });
  const [activities] = await Promise.all(['activities', 'transactions'].map((kind) => operator.upload(`/v1/imports/${kind}`, join(samples, `${kind}.csv`))));
  await until(() => operator.get(`/v1/imports/${activities.id}`), ({ status }) => status === 'COMPLETED', 'the end of the import');
  const hook = (api) => api.post('/v1/webhooks', { url: 'https://receiver.example/florin', types: ['transfer.completed'] }, 201);
  const hooks = { customer: await hook(customer.api), staff: await hook(operator) };
  await customer.api.post('/v1/api-keys', { name: 'Accounts', scopes: ['wallets:read'] }, 201);
  const ids = { '/wallets/:id': customer.wallet, '/transfers/:id': transfer.id, '/imports/:id': activities.id, '/people/:id': customer.id, '/reports/merchants/:id': 'MRC-000001' };
  return { customer, payee, idOf: (path, role) => (path === '/webhooks/:id' ? hooks[role === 'customer' ? 'customer' : 'staff'].id : ids[path]) };
}

/** `[{path, address, isAllowed}]` for the pages of those who have signed in. */
export async function placesOf(role, idOf) {
  const found = [];
  for (const route of routes.filter(({ open }) => !open)) found.push(await place(route, role, idOf(route.path, role)));
  return found;
}

/** The pages of strangers. */
export async function openPlaces() {
  return Promise.all(routes.filter(({ open }) => open).map((route) => place(route, null)));
}

async function place(route, role, id) {
  const { page } = await route.load();
  const isAllowed = !page.permission || (role !== null && may(role, page.permission));
  const address = route.path.replace(':id', encodeURIComponent(id ?? ''));
  return { path: route.path, address, isAllowed };
}
