// Whether the bank answers. When a request fails on the way, this asks /livez with growing pauses until it does again.

const PAUSE_MAX_S = 30;
const PROBE_LIMIT_MS = 5000;
const listeners = new Set();
let away = false;
let tries = 0;
let timer = 0;

/** True while the bank does not answer. */
export function isAway() {
  return away;
}

/** Calls `listener(isAway)` at every change; the answer ends it, as the signal does. */
export function onChange(listener, signal) {
  listeners.add(listener);
  const end = () => listeners.delete(listener);
  signal?.addEventListener('abort', end, { once: true });
  return end;
}

/** A request got no answer. */
export function failed() {
  if (away) return;
  away = true;
  tries = 0;
  tell();
  schedule();
}

/** A request got an answer. */
export function answered() {
  if (!away) return;
  clearTimeout(timer);
  away = false;
  tell();
}

/** Asks now: for the person who does not want to wait, and after an answer that took too long. */
export async function probe() {
  clearTimeout(timer);
  try {
    const response = await fetch('/livez', { cache: 'no-store', signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
    if (response.ok) return answered();
  } catch {
    // Not there: ask again later.
  }
  if (away) schedule();
  else failed();
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(probe, Math.min(PAUSE_MAX_S, 2 ** tries) * 1000);
  tries += 1;
}

function tell() {
  for (const listener of [...listeners]) listener(away);
}

globalThis.addEventListener?.('online', () => away && probe());
