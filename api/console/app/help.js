// Keyboard and help: a dialog that every page can open from its footer.
import { h } from './dom.js';
import { text } from './text.js';
import { openDialog } from './ui/dialog.js';

/** Opens it. The links leave the console, so they get a tab of their own, and nothing that was typed is lost. */
export function openHelp() {
  const t = text.help;
  const keys = h('dl', { class: 'facts keys' }, t.keys.map(([key, words]) => h('div', null, h('dt', null, key), h('dd', null, words))));
  const notes = h('ul', { class: 'stack' }, t.notes.map((words) => h('li', null, words)));
  const links = h('ul', null, t.pages.map(([path, words]) => h('li', null,
    h('a', { href: path, target: '_blank', rel: 'noopener' }, words), ' ', h('code', { class: 'muted' }, path))));
  const parts = [[t.keyboard, keys], [t.reading, notes], [t.links, links]];
  openDialog({ title: t.title, content: parts.map(([title, part]) => h('section', { class: 'stack' }, h('h3', null, title), part)) });
}
