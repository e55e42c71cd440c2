// Which page stands where, and what the navigation shows. A page's file is loaded when it is first opened.

/** Paths below /console. The first pattern that fits is the page. `open` needs no one to be signed in. */
export const routes = [
  { path: '/sign-in', open: true, load: () => import('./pages/enter/sign-in.js') },
  { path: '/register', open: true, load: () => import('./pages/enter/register.js') },
  { path: '/forgotten', open: true, load: () => import('./pages/enter/forgotten.js') },
  { path: '/reset', open: true, load: () => import('./pages/enter/reset.js') },
  { path: '/confirm-email', open: true, load: () => import('./pages/enter/confirm-email.js') },
  { path: '/now', load: () => import('./pages/now.js') },
  { path: '/wallets', load: () => import('./pages/money/wallets.js') },
  { path: '/wallets/:id', load: () => import('./pages/money/wallet.js') },
  { path: '/transfers', load: () => import('./pages/money/transfers.js') },
  { path: '/transfers/new', load: () => import('./pages/money/new.js') },
  { path: '/transfers/:id', load: () => import('./pages/money/transfer.js') },
  { path: '/reports', load: () => import('./pages/reports/daily.js') },
  { path: '/reports/merchants', load: () => import('./pages/reports/merchants.js') },
  { path: '/reports/merchants/:id', load: () => import('./pages/reports/merchant.js') },
  { path: '/imports', load: () => import('./pages/imports/imports.js') },
  { path: '/imports/:id', load: () => import('./pages/imports/import.js') },
  { path: '/people', load: () => import('./pages/people/people.js') },
  { path: '/people/:id', load: () => import('./pages/people/person.js') },
  { path: '/keys', load: () => import('./pages/people/keys.js') },
  { path: '/audit', load: () => import('./pages/people/audit.js') },
  { path: '/webhooks', load: () => import('./pages/webhooks/webhooks.js') },
  { path: '/webhooks/:id', load: () => import('./pages/webhooks/webhook.js') },
  { path: '/events', load: () => import('./pages/events.js') },
  { path: '/profile', load: () => import('./pages/own/profile.js') },
  { path: '/sessions', load: () => import('./pages/own/sessions.js') },
];

/** What a member of staff may see in the navigation; `label` is a word of `text.nav`. */
export const staffNav = [
  { path: '/now', label: 'now', permission: 'reports:read' },
  { label: 'money', items: [
    { path: '/wallets', label: 'wallets', permission: 'wallets:read_all' },
    { path: '/transfers', label: 'transfers', permission: 'transfers:read_all' },
    { path: '/transfers/new', label: 'newStaff', permission: 'deposits:write' },
  ] },
  { label: 'reports', items: [
    { path: '/reports', label: 'daily', permission: 'reports:read' },
    { path: '/reports/merchants', label: 'merchants', permission: 'reports:read' },
    { path: '/imports', label: 'imports', permission: 'imports:read' },
  ] },
  { label: 'administration', items: [
    { path: '/people', label: 'people', permission: 'users:read' },
    { path: '/keys', label: 'keys', permission: 'api_keys:write' },
    { path: '/audit', label: 'audit', permission: 'audit:read' },
    { path: '/webhooks', label: 'webhooks', permission: 'webhooks:write' },
    { path: '/events', label: 'events', permission: 'events:read' },
  ] },
];

/** What a customer sees. */
export const customerNav = [
  { path: '/wallets', label: 'wallets', permission: 'wallets:read' },
  { path: '/transfers', label: 'transfers', permission: 'transfers:read' },
  { path: '/transfers/new', label: 'newCustomer', permission: 'transfers:write' },
  { path: '/events', label: 'events', permission: 'transfers:read' },
  { path: '/webhooks', label: 'webhooks', permission: 'webhooks:write' },
  { path: '/keys', label: 'keys', permission: 'api_keys:write' },
  { path: '/sessions', label: 'sessions' },
  { path: '/profile', label: 'profile' },
];

/** Where a person begins. */
export function startPath(can) {
  return can('reports:read') ? '/now' : '/wallets';
}

/** The route of a path with its parameters, `{route, params}`, or null. */
export function findRoute(path, table = routes) {
  const parts = path.replace(/\/+$/, '').split('/');
  for (const route of table) {
    const params = matched(route.path.split('/'), parts);
    if (params !== null) return { route, params };
  }
  return null;
}

function matched(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [n, word] of pattern.entries()) {
    if (!word.startsWith(':')) {
      if (word !== parts[n]) return null;
      continue;
    }
    try {
      params[word.slice(1)] = decodeURIComponent(parts[n]);
    } catch {
      return null;
    }
  }
  return params;
}
