// The head of a page: where it belongs, its one h1, and what can be done.
import { h } from '../dom.js';
import { link } from '../router.js';
import { text } from '../text.js';

/** `pageHeader({title, sub, crumbs: [[path, label]], actions: [element]})`. The h1 takes the focus after a navigation. */
export function pageHeader({ title, sub, crumbs = [], actions = [] }) {
  const trail = crumbs.length === 0 ? null : h('nav', { class: 'crumbs', 'aria-label': text.ui.crumbs },
    h('ol', null, crumbs.map(([path, label]) => h('li', null, link(path, label)))));
  return h('header', { class: 'page-header' }, trail,
    h('div', { class: 'page-title' }, h('h1', { tabindex: '-1' }, title), actions.length === 0 ? null : h('div', { class: 'actions' }, actions)),
    sub ? h('div', { class: 'sub' }, sub) : null);
}
