// Follows an import until it ends. The pauses between two questions grow; while the tab is hidden nothing is asked.
import { at, get } from '../../api.js';
import { poll } from '../../live.js';
import { nextPause } from './files.js';

const TICK_MS = 500;

/**
 * Asks with growing pauses until `ask()` answers true or the signal aborts. `onError(error)` is told of failures that pass; any
 * other one is thrown.
 */
export async function askUntil(ask, signal, onError) {
  const round = new AbortController();
  let pause = null;
  let due = 0;
  await poll(async () => {
    if (Date.now() < due) return;
    if (await ask()) round.abort();
    pause = nextPause(pause);
    due = Date.now() + pause;
  }, TICK_MS, AbortSignal.any([signal, round.signal]), onError);
}

/** An import as it is now. */
export function readImport(id, signal) {
  return get(at`/v1/imports/${id}`, null, { signal });
}
