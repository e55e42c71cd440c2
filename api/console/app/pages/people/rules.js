// What the pages about people decide without asking the bank. Pure: no request, no element.

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What `me` may do to the person: `{suspend, activate, reset, role, erase}`, each true or false. `can(permission)` is of `me`. */
export function actsOn(person, me, can) {
  const isThere = person.id !== me.id && person.status !== 'erased';
  const reaches = isThere && (person.role === 'customer' || can('users:manage'));
  return {
    suspend: reaches && can('users:suspend') && person.status === 'active',
    activate: reaches && can('users:suspend') && person.status === 'suspended',
    reset: reaches && can('users:reset') && person.status === 'active',
    role: isThere && can('users:manage'),
    erase: isThere && can('users:manage'),
  };
}

/** True for the text of an id. */
export function isId(text) {
  return ID.test(text);
}

/** The parts of a text with one part a line; commas and blanks part too. */
export function linesOf(text) {
  return text.split(/[\s,;]+/).filter(Boolean);
}

/** The body of `POST /v1/api-keys`: a limit without values is no limit. */
export function keyBody({ name, scopes, wallet_ids: wallets, addresses }, expiresAt) {
  const limited = Object.entries({ wallet_ids: wallets, addresses }).filter(([, values]) => values.length > 0);
  return { name, scopes, ...Object.fromEntries(limited), ...(expiresAt ? { expires_at: expiresAt } : {}) };
}

/** The faults of a refusal that name one value of a list, such as `addresses[1]`: `[{name, value, message}]`. */
export function listFaults(errors, body) {
  return errors.flatMap(({ field, message }) => {
    const [, name, index] = /^(\w+)\[(\d+)\]$/.exec(field) ?? [];
    const value = body[name]?.[Number(index)];
    return value === undefined ? [] : [{ name, value, message }];
  });
}

/** The user whom a typed text means: the one with exactly this address, else the only one who was found. Else null. */
export function meantUser(text, users) {
  const address = text.toLowerCase();
  return users.find((user) => user.email === address) ?? (users.length === 1 ? users[0] : null);
}

/** The time of a filter: what stands in the address is kept to the second while its field, which shows minutes, is unchanged. */
export function keptTime(typed, before, { toIso, toLocalInput }) {
  return typed !== '' && typed === toLocalInput(before) ? before : toIso(typed) ?? '';
}

/** What a line of the audit log tells, value by value: `[{name, before, after}]`, texts or null. */
export function changesOf(before, after) {
  const was = flat(before);
  const is = flat(after);
  const names = new Set([...was.keys(), ...is.keys()]);
  return [...names].map((name) => ({ name, before: was.get(name) ?? null, after: is.get(name) ?? null }));
}

function flat(value, prefix = '', found = new Map()) {
  for (const [name, part] of Object.entries(value ?? {})) {
    const path = prefix + name;
    if (part !== null && typeof part === 'object' && !Array.isArray(part)) flat(part, `${path}.`, found);
    else found.set(path, textOf(part));
  }
  return found;
}

function textOf(value) {
  if (value === null || value === undefined) return null;
  if (!Array.isArray(value)) return String(value);
  const isPlain = value.every((part) => part === null || typeof part !== 'object');
  return isPlain ? value.join(', ') : JSON.stringify(value);
}
