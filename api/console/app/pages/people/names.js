// The names of people whose ids stand in a list. Each is looked up once, a few at a time; until then, and where that fails, the
// id is shown.
import { at, get } from '../../api.js';
import { h, mount } from '../../dom.js';
import { text } from '../../text.js';
import { idText } from '../../ui/index.js';

const AT_ONCE = 4;
const SHOWN = 8;

/** `names(signal)` answers `{find(id), person(id)}`: the user or null, as a promise; and a link to the person. */
export function names(signal) {
  const known = new Map();
  const waiting = [];
  let running = 0;

  async function next() {
    if (running >= AT_ONCE || waiting.length === 0) return;
    running += 1;
    const { id, resolve } = waiting.shift();
    resolve(await get(at`/v1/users/${id}`, null, { signal }).catch(() => null));
    running -= 1;
    next();
  }

  function find(id) {
    if (!known.has(id)) {
      known.set(id, new Promise((resolve) => { waiting.push({ id, resolve }); }));
      next();
    }
    return known.get(id);
  }

  function person(id) {
    const label = h('span', null, h('code', null, `\u2026${id.slice(-SHOWN)}`));
    find(id).then((user) => user && mount(label, nameOf(user)));
    return idText(id, { to: `/people/${encodeURIComponent(id)}`, label });
  }
  return { find, person };
}

/** What a person is called; the bank has no name of an erased one. */
export function nameOf(user) {
  return user.status === 'erased' ? text.people.erasedName : user.full_name;
}
