// Who is signed in. The access token is in memory only. The refresh token is in the bank's cookie where the browser keeps
// it (TLS, or loopback); elsewhere it lives in this tab.
import { bodyText, errorOf, isAbort, send } from './http.js';
import { isStaff, may } from './permissions.js';

/** Says that this browser may have the cookie, so that a stranger's first visit asks the bank nothing. Not a secret. */
const HINT = 'florin_signed_in';
/**
 * Holds the refresh token of this tab from the end of a page to its reload, and only a reload reads it: neither a copy of the tab
 * nor one that is opened again must get the token.
 */
const TAB_TOKEN = 'florin_refresh';
/** An access token that ends sooner is renewed first. */
const MARGIN_MS = 20_000;
const PROBE = 'florin_probe=1; Secure; SameSite=Strict; Path=/console';

const listeners = new Set();
const usesCookie = keepsSecureCookies();
const tabs = usesCookie && 'BroadcastChannel' in globalThis ? new BroadcastChannel('florin') : null;
let access = null;
let accessUntil = 0;
let tabToken = null;
let me = null;
let isLeftOpen = false;
let refreshing = null;
let asking = null;
let askPerson = async () => false;

/** The person who is signed in, as `GET /v1/users/me` has them, or null. */
export function user() {
  return me;
}

/** True if the person may. */
export function can(permission) {
  return me !== null && (me.permissions?.includes(permission) ?? may(me.role, permission));
}

/** True if the person is not a customer. */
export function staff() {
  return me !== null && isStaff(me.role);
}

/** True if the session lives in this tab only: the connection is not encrypted, so the bank's cookie cannot be kept. */
export function isTabOnly() {
  return !usesCookie;
}

/** True if the bank could not be asked to end the session when the person signed out. */
export function wasLeftOpen() {
  return isLeftOpen;
}

/** Calls `listener(user)` when somebody has signed in or out, and when they changed. Answers the function that ends it. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Goes on with the session that this browser has. Throws where the bank does not answer. */
export async function start() {
  tabToken ??= readTabToken();
  if (!hasSession()) return;
  try {
    await refresh();
    await reload();
  } catch (error) {
    if (error.status !== 401) throw error;
    forget();
  }
}

/** Signs in; throws the bank's refusal. */
export async function signIn(email, password) {
  keep(await ask('login', { email, password }));
  await reload();
  remember();
  isLeftOpen = false;
  tabs?.postMessage({ type: 'in', id: me.id });
}

/**
 * Signs out here and, where tabs share the cookie, in all tabs. The tokens of this browser are forgotten in any case; where the
 * bank did not end the session, `wasLeftOpen` says so.
 */
export async function signOut() {
  if (me === null) return;
  try {
    await endSession();
    isLeftOpen = false;
  } catch (error) {
    if (isAbort(error)) return; // The session is another person's: the page loads anew as theirs.
    isLeftOpen = error.status !== 401;
  }
  tabs?.postMessage({ type: 'out', id: me.id });
  forget();
}

/** Reads the person anew, after they changed their name or the bank their role. */
export async function reload() {
  const response = await send('/v1/users/me', { headers: { Authorization: `Bearer ${access}` } });
  if (!response.ok) throw await errorOf(response);
  me = JSON.parse(await bodyText(response));
  tell();
}

/** The access token for the next request; null if nobody is signed in. */
export async function token() {
  if (me === null && access === null) return null;
  if (isOld()) await renew(access);
  return access;
}

/** After a 401 for the token `used`: gets the next one, with the person's password if need be. Throws if that is not to be. */
export async function renew(used) {
  if (access !== null && access !== used) return;
  try {
    await refresh();
  } catch (error) {
    if (error.status !== 401) throw error;
    asking ??= askPerson().finally(() => { asking = null; });
    if (!(await asking)) throw error;
  }
}

/** Gets the next tokens. Tabs do it one after another: each must send the token that the one before got. */
export function refresh() {
  refreshing ??= exclusively(async () => {
    keep(await ask('refresh', ownToken()));
  }).finally(() => { refreshing = null; });
  return refreshing;
}

/** Tells how to ask for the password again: `ask()` resolves to true when the person has signed in. */
export function setAsk(ask) {
  askPerson = ask;
}

/** Forgets the person, without asking the bank. */
export function forget() {
  access = null;
  accessUntil = 0;
  tabToken = null;
  me = null;
  storage('localStorage')?.removeItem(HINT);
  tell();
}

/** Calls `listener()` when the same person has signed in in another tab. Answers the function that ends it. */
export function onSignInElsewhere(listener) {
  const heard = ({ data }) => data.type === 'in' && listener(data.id);
  tabs?.addEventListener('message', heard);
  return () => tabs?.removeEventListener('message', heard);
}

async function ask(operation, body, bearer = null) {
  const headers = { 'Content-Type': 'application/json' };
  if (usesCookie) headers['X-Florin-Session'] = 'cookie';
  if (bearer !== null) headers.Authorization = `Bearer ${bearer}`;
  const response = await send(`/v1/auth/${operation}`, { method: 'POST', headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw await errorOf(response);
  const answer = await bodyText(response);
  return answer === '' ? null : JSON.parse(answer);
}

/** The bank ends a session only for an access token that is still valid. Throws 401 where the session has ended already. */
async function endSession() {
  if (isOld()) await refresh();
  try {
    await ask('logout', ownToken(), access);
  } catch (error) {
    if (error.status !== 401) throw error;
    await refresh();
    await ask('logout', ownToken(), access);
  }
}

function ownToken() {
  return tabToken === null ? null : { refresh_token: tabToken };
}

function isOld() {
  return Date.now() > accessUntil - MARGIN_MS;
}

/** Keeps the tokens, unless they are another person's. */
function keep(tokens) {
  if (!usesCookie) tabToken = tokens.refresh_token;
  if (me !== null && subject(tokens.access_token) !== me.id) {
    giveWay();
    throw new DOMException('another person has signed in', 'AbortError');
  }
  access = tokens.access_token;
  accessUntil = Date.now() + tokens.expires_in * 1000;
}

/** Another person has signed in in this browser: the page loads anew as theirs. Until then nothing of it may be sent as theirs. */
function giveWay() {
  access = null;
  accessUntil = 0;
  location.reload();
}

function hasSession() {
  return tabToken !== null || (usesCookie && storage('localStorage')?.getItem(HINT) === 'yes');
}

function remember() {
  if (usesCookie) storage('localStorage')?.setItem(HINT, 'yes');
}

function exclusively(work) {
  const locks = usesCookie ? navigator.locks : null;
  return locks ? locks.request('florin-refresh', work) : work();
}

function tell() {
  for (const listener of [...listeners]) listener(me);
}

/** The user's id in an access token. The bank checks tokens; this only tells two persons apart. */
function subject(jwt) {
  try {
    return JSON.parse(atob(jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).sub;
  } catch {
    return null;
  }
}

/** Not every browser that trusts loopback keeps secure cookies from it, so one is tried. */
function keepsSecureCookies() {
  if (!globalThis.isSecureContext || !globalThis.document) return false;
  document.cookie = PROBE;
  const kept = document.cookie.includes('florin_probe=1');
  document.cookie = `${PROBE}; Max-Age=0`;
  return kept;
}

function readTabToken() {
  const kept = storage('sessionStorage')?.getItem(TAB_TOKEN) ?? null;
  storage('sessionStorage')?.removeItem(TAB_TOKEN);
  return isReload() ? kept : null;
}

function isReload() {
  return performance.getEntriesByType('navigation')[0]?.type === 'reload';
}

/** Null where the browser refuses storage. */
function storage(kind) {
  try {
    return globalThis[kind] ?? null;
  } catch {
    return null;
  }
}

tabs?.addEventListener('message', ({ data }) => {
  if (me === null) return;
  if (data.type === 'out' && data.id === me.id) forget();
  if (data.type === 'in' && data.id !== me.id) giveWay();
});
globalThis.addEventListener?.('pagehide', () => {
  if (tabToken !== null) storage('sessionStorage')?.setItem(TAB_TOKEN, tabToken);
});
globalThis.addEventListener?.('pageshow', () => {
  if (tabToken !== null) storage('sessionStorage')?.removeItem(TAB_TOKEN);
});
