// Where one is signed in, and how to end it: one session, all others, or all.
import { at, del, get } from '../../api.js';
import { h } from '../../dom.js';
import * as session from '../../session.js';
import { text } from '../../text.js';
import { button, confirmDialog, pageHeader, toast } from '../../ui/index.js';
import { programWords, sessionTable } from './session-table.js';

const t = text.own;
const PATH = '/v1/users/me/sessions';

export const page = { title: t.sessions, render };

function render({ signal }) {
  const list = sessionTable({
    caption: t.list, empty: t.noSessions, signal, load: (own) => get(PATH, null, { signal: own }),
    act: (one) => (one.current ? button(t.signOut, { click: () => session.signOut() })
      : button([t.end, h('span', { class: 'hidden' }, ` ${programWords(one)}`)], { click: () => end(one, list) })),
  });
  const actions = [button(t.endOthers, { click: () => endOthers(list) }), button(t.endAll, { click: endAll })];
  return h('div', null, pageHeader({ title: t.sessions, sub: t.sessionsSub, actions }), list);
}

async function end(one, list) {
  const isDone = await confirmDialog({ title: t.endTitle, text: t.endText(programWords(one)), confirm: t.end, onConfirm: () => ended(one) });
  if (!isDone) return;
  toast(t.ended);
  list.reload();
}

/** The bank ends one or all, so that the others are ended one after another. */
async function endOthers(list) {
  let count = 0;
  const isDone = await confirmDialog({ title: t.endOthersTitle, text: t.endOthersText, confirm: t.endOthers,
    async onConfirm() {
      const { items } = await get(PATH);
      for (const one of items.filter(({ current }) => !current)) {
        await ended(one);
        count += 1;
      }
    } });
  if (isDone) toast(t.othersEnded(count));
  list.reload();
}

async function endAll() {
  const isDone = await confirmDialog({ title: t.endAllTitle, text: t.endAllText, confirm: t.endAll, onConfirm: () => del(PATH) });
  if (isDone) await session.signOut();
}

/** A session that has ended meanwhile is as good. */
async function ended(one) {
  try {
    await del(at`/v1/users/me/sessions/${one.id}`);
  } catch (error) {
    if (error.status !== 404) throw error;
  }
}
