// The bank's API for the pages. A token that has ended is renewed, with a dialog over the page if need be, and the request
// goes on: the page does not notice.
import { parseExact } from './json.js';
import { ApiError, bodyText, errorOf, failure, isAbort, problemOf, send } from './http.js';
import * as session from './session.js';

export { ApiError, isAbort } from './http.js';

/** Pages without an item that are passed over before a list is shown with what there is. */
const EMPTY_PAGES_MAX = 20;

/** A path with its ids encoded: at`/v1/wallets/${id}`. */
export function at(parts, ...values) {
  return parts.reduce((path, part, n) => path + encodeURIComponent(values[n - 1]) + part);
}

/** A new key for `Idempotency-Key`: a UUID. Works without TLS too, where crypto.randomUUID does not. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** `get(path, params?, {signal, headers, open}?)`: the parsed answer. Params that are null or empty are left out. */
export async function get(path, params, options) {
  return (await getTagged(path, params, options)).data;
}

/** As `get`, with the ETag for a later `If-Match`: `{data, etag}`. */
export async function getTagged(path, params, options) {
  const response = await call('GET', path, { ...options, params });
  return { data: await json(response, options?.signal), etag: response.headers.get('etag') };
}

/** `post(path, body?, {key, dryRun, headers, signal, open}?)`. With `open` no token is sent. */
export const post = (path, body, options) => change('POST', path, body, options);
export const put = (path, body, options) => change('PUT', path, body, options);
export const patch = (path, body, options) => change('PATCH', path, body, options);
export const del = (path, options) => change('DELETE', path, undefined, options);

/** A report, whose numbers stay text: "1000.0". */
export async function reportJson(path, params, options) {
  const response = await call('GET', path, { ...options, params });
  return parseExact(await bodyText(response, options?.signal));
}

/** One page of a list, `{items, next_cursor}`. Empty pages before the end are passed over. */
export async function page(path, params, options) {
  let answer;
  let cursor = params?.cursor;
  for (let n = 0; n < EMPTY_PAGES_MAX; n += 1) {
    answer = await get(path, { ...params, cursor }, options);
    if (answer.items.length > 0 || !answer.next_cursor) break;
    cursor = answer.next_cursor;
  }
  return answer;
}

/** All pages of a list, one after another: `for await (const {items} of list(path, params, {signal}))`. */
export async function* list(path, params, options) {
  let cursor = params?.cursor;
  do {
    const answer = await page(path, { ...params, cursor }, options);
    yield answer;
    cursor = answer.next_cursor;
  } while (cursor);
}

/** Saves an answer as a file: `download(path, 'text/csv', 'statement.csv', {params, signal})`. */
export async function download(path, accept, name, options) {
  const response = await call('GET', path, { ...options, headers: { ...options?.headers, Accept: accept }, limitMs: 0 });
  const blob = await response.blob().catch((error) => { throw failure(error, options?.signal); });
  save(blob, name);
}

/** Saves a blob, or text, as a file. */
export function save(content, name, type = 'text/plain;charset=utf-8') {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Sends a file as the multipart field `file`; `onProgress(sent, total)` in bytes. Answers what the bank answers. */
export async function upload(path, file, onProgress, { signal } = {}) {
  const used = await session.token();
  let answer = await sendFile(path, file, used, onProgress, signal);
  if (answer.status === 401) {
    await session.renew(used);
    answer = await sendFile(path, file, await session.token(), onProgress, signal);
  }
  if (answer.status >= 200 && answer.status < 300) return answer.body === '' ? null : JSON.parse(answer.body);
  throw new ApiError(problemOf(answer.body, answer));
}

/** One request with the person's token; answers the response if it is 2xx or 304, else throws an ApiError. */
export async function call(method, path, options = {}) {
  const used = options.open ? null : await session.token();
  let response = await attempt(method, path, options, used);
  if (response.status === 401 && used !== null) {
    const error = await errorOf(response, options.signal);
    if (error.code !== 'unauthenticated') throw error;
    await session.renew(used);
    response = await attempt(method, path, options, await session.token());
  }
  if (!response.ok && response.status !== 304) throw await errorOf(response, options.signal);
  return response;
}

function attempt(method, path, { params, body, headers, signal, key, dryRun, limitMs }, token) {
  const all = { Accept: 'application/json', ...headers };
  if (token !== null) all.Authorization = `Bearer ${token}`;
  if (body !== undefined) all['Content-Type'] = 'application/json';
  if (key) all['Idempotency-Key'] = key;
  const query = dryRun ? { ...params, dry_run: 'true' } : params;
  const init = { method, headers: all, signal, body: body === undefined ? undefined : JSON.stringify(body) };
  return send(withQuery(path, query), init, limitMs);
}

async function change(method, path, body, options) {
  return json(await call(method, path, { ...options, body }), options?.signal);
}

async function json(response, signal) {
  const body = await bodyText(response, signal);
  return body === '' ? null : JSON.parse(body);
}

/** The path with its query; null, undefined and empty values are left out. */
export function withQuery(path, params) {
  const pairs = Object.entries(params ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const query = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return query === '' ? path : `${path}?${query}`;
}

function sendFile(path, file, token, onProgress, signal) {
  const { promise, resolve, reject } = deferred();
  const request = new XMLHttpRequest();
  const abort = () => request.abort();
  const lost = () => reject(failure(new TypeError('no answer'), signal));
  request.open('POST', path);
  request.setRequestHeader('Authorization', `Bearer ${token}`);
  request.upload.onprogress = ({ loaded, total }) => onProgress?.(loaded, total);
  request.onload = () => resolve({ status: request.status, body: request.responseText,
    headers: { get: (name) => request.getResponseHeader(name) } });
  request.onerror = lost;
  request.onabort = lost;
  signal?.addEventListener('abort', abort, { once: true });
  const form = new FormData();
  form.append('file', file);
  request.send(form);
  return promise.finally(() => signal?.removeEventListener('abort', abort));
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
