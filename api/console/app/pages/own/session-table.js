// Sessions as a table: one's own here, those of others on a person's page.
import { h } from '../../dom.js';
import { text } from '../../text.js';
import { ago, show } from '../../time.js';
import { badge, table } from '../../ui/index.js';
import { agentOf } from './agent.js';

const t = text.own;

/** `sessionTable({caption, empty, load(signal), signal, act(session)})`; `act` answers what stands in the last column. */
export function sessionTable({ caption, empty, load, signal, act = null }) {
  return table({
    caption, captionHidden: true, empty, signal, load: (cursor, own) => load(own),
    columns: [
      { label: t.program, rowHeader: true, cell: (session) => program(session) },
      { label: t.ip, cell: (session) => session.address ?? h('span', { class: 'none' }, text.none) },
      { label: t.signedIn, cell: (session) => show(session.created_at) },
      { label: t.lastUsed, cell: (session) => ago(session.last_used_at) },
      act ? { label: t.actions, cell: act } : null,
    ].filter(Boolean),
  });
}

/** Where a session is, in words. */
export function programWords({ user_agent: agent }) {
  const { browser, system } = agentOf(agent);
  return t.agent(browser, system) || t.unknownAgent;
}

function program(session) {
  return [h('span', { title: session.user_agent }, programWords(session)), session.current ? [' ', badge('active', { label: t.current })] : null];
}
