// What each role may do: the table of service/src/actor/permissions.rs. It only decides what is shown; the bank decides
// what is done.

const ALL = ['customer', 'support', 'operator', 'auditor', 'admin'];
const STAFF = ['support', 'operator', 'auditor', 'admin'];
const DESK = ['support', 'operator', 'admin'];
const READERS = ['operator', 'auditor', 'admin'];
const OPERATORS = ['operator', 'admin'];

/** The roles of each permission. */
export const PERMISSIONS = {
  'wallets:open': ['customer'],
  'wallets:read': ALL,
  'wallets:read_all': STAFF,
  'wallets:freeze': DESK,
  'wallets:close': OPERATORS,
  'limits:write': OPERATORS,
  'transfers:read': ALL,
  'transfers:read_all': STAFF,
  'transfers:write': ['customer', ...OPERATORS],
  'transfers:settle': OPERATORS,
  'transfers:reverse': OPERATORS,
  'deposits:write': OPERATORS,
  'journal:read': READERS,
  'events:read': STAFF,
  'webhooks:write': ['customer', ...OPERATORS],
  'webhooks:manage': OPERATORS,
  'reports:read': READERS,
  'statistics:write': OPERATORS,
  'imports:read': READERS,
  'imports:write': OPERATORS,
  'users:read': STAFF,
  'users:reset': DESK,
  'users:suspend': DESK,
  'users:manage': ['admin'],
  'audit:read': ['auditor', 'admin'],
  'api_keys:write': ALL,
  'api_keys:manage': ['admin'],
};

/** Permissions that no API key may have. */
const PERSONS_ONLY = new Set(['webhooks:manage', 'users:reset', 'users:suspend', 'users:manage', 'api_keys:write', 'api_keys:manage']);

/** True if the role may. */
export function may(role, permission) {
  return PERMISSIONS[permission]?.includes(role) ?? false;
}

/** The scopes that a person of the role may give to an API key, in the order of the table. */
export function grantable(role) {
  return Object.keys(PERMISSIONS).filter((word) => !PERSONS_ONLY.has(word) && may(role, word));
}

/** True for all roles but the customer's. */
export function isStaff(role) {
  return STAFF.includes(role);
}
