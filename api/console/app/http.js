// One request and its failure. Everything that speaks with the bank goes through `send`.
import * as connection from './connection.js';

const LIMIT_MS = 30_000;
/** Answers of something between the browser and the bank, which cannot reach it. */
const GATEWAY = new Set([502, 504]);

/** A failure: what the bank answered (RFC 9457), or code `network` or `timeout` where it did not. */
export class ApiError extends Error {
  constructor(problem, retryAfterS = null) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.name = 'ApiError';
    this.problem = problem;
    this.status = problem.status ?? 0;
    this.code = problem.code ?? 'internal';
    this.detail = problem.detail ?? '';
    this.requestId = problem.request_id ?? null;
    this.errors = problem.errors ?? [];
    this.available = problem.available ?? null;
    this.limit = problem.limit ?? null;
    this.remaining = problem.remaining ?? null;
    this.index = problem.index ?? null;
    this.reason = problem.reason ?? null;
    this.transferId = problem.transfer_id ?? null;
    this.maxBytes = problem.max_bytes ?? null;
    this.retryAfterS = retryAfterS;
  }

  /** True if it may pass by itself: the bank is away, busy or asks to wait. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }

  /** True if the bank may have done what was asked although the answer is missing. */
  get isUncertain() {
    return this.status === 0 || this.code === 'outcome_unknown' || this.code === 'internal' || GATEWAY.has(this.status);
  }
}

/** True for what a request throws when its signal was aborted: the reader has left, so there is nothing to say. */
export function isAbort(error) {
  return error?.name === 'AbortError';
}

/**
 * Sends and answers the response, whatever its status. `limitMs` counts until the headers are there; with `limitMs: 0` there
 * is no limit.
 */
export async function send(path, init = {}, limitMs = LIMIT_MS) {
  const { signal, done } = limited(init.signal, limitMs);
  try {
    const response = await fetch(path, { cache: 'no-store', credentials: 'same-origin', redirect: 'error', ...init, signal });
    if (GATEWAY.has(response.status)) connection.failed();
    else connection.answered();
    return response;
  } catch (error) {
    throw failure(error, init.signal);
  } finally {
    done();
  }
}

/** The body as text. A body that breaks off is a failure of the network. */
export async function bodyText(response, signal) {
  try {
    return await response.text();
  } catch (error) {
    throw failure(error, signal);
  }
}

/** The problem of an answer that is not 2xx. */
export async function errorOf(response, signal) {
  const body = await bodyText(response, signal);
  const wait = Number(response.headers.get('retry-after'));
  return new ApiError(problemOf(body, response), Number.isFinite(wait) && wait > 0 ? wait : null);
}

/** The problem of a body; also used for what an upload answers. */
export function problemOf(body, { status, headers }) {
  const fallback = { status, code: GATEWAY.has(status) ? 'network' : `http_${status}`, detail: '', request_id: headers?.get('x-request-id') };
  try {
    const problem = JSON.parse(body);
    return typeof problem?.code === 'string' ? { ...fallback, ...problem } : fallback;
  } catch {
    return fallback;
  }
}

/** What a failed fetch means: the reader left, it took too long, or the bank does not answer. */
export function failure(error, signal) {
  if (signal?.aborted) return new DOMException('the reader has left', 'AbortError');
  if (error instanceof ApiError) return error;
  if (error?.name === 'TimeoutError') {
    connection.probe();
    return new ApiError({ code: 'timeout', status: 0 });
  }
  connection.failed();
  return new ApiError({ code: 'network', status: 0 });
}

function limited(outer, limitMs) {
  const own = new AbortController();
  const timer = limitMs > 0 ? setTimeout(() => own.abort(new DOMException('too slow', 'TimeoutError')), limitMs) : 0;
  const signal = outer ? AbortSignal.any([outer, own.signal]) : own.signal;
  return { signal, done: () => clearTimeout(timer) };
}
