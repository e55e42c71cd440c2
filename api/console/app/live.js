// What keeps coming: streams of server-sent events, and questions that are asked again and again. Both stop while the tab is
// hidden and when the reader leaves: a browser opens only six connections to a bank without TLS, for all tabs together.
import { call, isAbort } from './api.js';
import * as connection from './connection.js';
import { failure } from './http.js';
import { eventReader } from './sse.js';

const PAUSE_MIN_MS = 1000;
const PAUSE_MAX_MS = 30_000;
/** The bank sends something at least every 15 seconds. */
const SILENCE_MAX_MS = 40_000;

/**
 * Follows a stream until the signal aborts, and joins it again whenever it ends. `onEvent({id, type, data})` gets each event
 * (`data` is text), `onId(id)` each place in the feed, `onState('open' | 'lost', error?)` how it goes. Throws what does not
 * pass by itself, such as 403. A page follows one stream at most.
 */
export async function stream(path, { params, onEvent, onId, onState, signal, lastEventId = null }) {
  let last = lastEventId;
  let pause = PAUSE_MIN_MS;
  const took = (event) => {
    pause = PAUSE_MIN_MS;
    if (event.id !== null) {
      last = event.id;
      onId?.(last);
    }
    if (event.data !== null) onEvent(event);
  };
  while (!signal.aborted) {
    await shown(signal);
    const round = new AbortController();
    const hide = () => document.hidden && round.abort();
    document.addEventListener('visibilitychange', hide);
    try {
      await follow(path, { params, last, took, onState, signal: AbortSignal.any([signal, round.signal]), round });
    } catch (error) {
      if (signal.aborted) return;
      if (!isAbort(error) && !error.isPassing) throw error;
      onState?.('lost', error);
    } finally {
      document.removeEventListener('visibilitychange', hide);
      round.abort();
    }
    await rest(pause, signal);
    pause = Math.min(PAUSE_MAX_MS, pause * 2);
  }
}

async function follow(path, { params, last, took, onState, signal, round }) {
  const headers = { Accept: 'text/event-stream', ...(last === null ? {} : { 'Last-Event-ID': last }) };
  const response = await call('GET', path, { params, headers, signal });
  onState?.('open');
  const reader = eventReader();
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let watch = 0;
  const listen = () => {
    clearTimeout(watch);
    watch = setTimeout(() => round.abort(), SILENCE_MAX_MS);
  };
  try {
    for (listen(); ; listen()) {
      const { value, done } = await pieces.read().catch((error) => { throw failure(error, signal); });
      if (done) return;
      reader.read(value).forEach(took);
    }
  } finally {
    clearTimeout(watch);
  }
}

/**
 * Asks at once and then every `everyMs` until the signal aborts: `ask()` gets the answer and shows it. After a failure that may
 * pass it waits longer; any other one is thrown, and `onError(error)` is told of each.
 */
export async function poll(ask, everyMs, signal, onError) {
  let pause = everyMs;
  while (!signal.aborted) {
    await shown(signal);
    try {
      await ask();
      pause = everyMs;
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      onError?.(error);
      if (!error.isPassing) throw error;
      pause = Math.max((error.retryAfterS ?? 0) * 1000, Math.min(PAUSE_MAX_MS, pause * 2));
    }
    await rest(pause, signal);
  }
}

/** Waits; ends at once when the signal aborts. */
export function sleep(ms, signal) {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** Waits, but not longer than until the bank is back. */
async function rest(ms, signal) {
  const back = new AbortController();
  const end = connection.onChange((isAway) => isAway || back.abort());
  await sleep(ms, AbortSignal.any([signal, back.signal]));
  end();
}

/** Waits until the tab is looked at, or the signal aborts. */
function shown(signal) {
  if (!document.hidden || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    document.addEventListener('visibilitychange', end);
    signal.addEventListener('abort', end, { once: true });
  });
}
