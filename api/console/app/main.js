// Starts the console: who is signed in, then the frame, then the page of the address.
import * as connection from './connection.js';
import { h, mount } from './dom.js';
import { startRouter } from './router.js';
import * as session from './session.js';
import { buildShell } from './shell.js';
import { text } from './text.js';
import { askAgain } from './ui/sign-in-dialog.js';

const app = document.getElementById('app');

/** The bank may be away at the start: then the page says so and begins when it is back. */
async function begun() {
  for (;;) {
    try {
      return await session.start();
    } catch (error) {
      const again = new Promise((resolve) => { waitForBank(error, resolve); });
      mount(app, h('main', { class: 'bare' }, h('h1', null, text.app.name),
        h('p', { role: 'status' }, error.code === 'network' ? text.connection.away : text.app.startFailed(error)),
        h('button', { class: 'button', type: 'button', on: { click: () => location.reload() } }, text.app.tryAgain)));
      await again;
    }
  }
}

/** Goes on when the bank is back; a bank that answers with a failure is asked again after the time it names. */
function waitForBank(error, resolve) {
  if (!connection.isAway()) {
    setTimeout(resolve, (error.retryAfterS ?? 5) * 1000);
    return;
  }
  const end = connection.onChange((isAway) => {
    if (isAway) return;
    end();
    resolve();
  });
}

session.setAsk(askAgain);
await begun();
await startRouter(buildShell(app));
