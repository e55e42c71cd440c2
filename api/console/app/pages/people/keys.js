// One's own API keys, and for admins those of all: made, shown once, given a new secret, revoked.
import { page as onePage } from '../../api.js';
import { clear, h, mount } from '../../dom.js';
import { setQuery } from '../../router.js';
import { can, user } from '../../session.js';
import { text } from '../../text.js';
import { button, pageHeader } from '../../ui/index.js';
import { keyForm } from './key-form.js';
import { keySecret, keyTable } from './key-table.js';
import { nameOf, names } from './names.js';
import { showSecret } from './secret.js';

const t = text.people;
const ALL = 'all';

export const page = { title: t.keys, permission: 'api_keys:write', render };

function render({ query, signal }) {
  const isAdmin = can('api_keys:manage');
  const known = names(signal);
  const place = h('div', null);
  const rows = h('div', null);
  const making = button(t.newKey, { kind: 'primary', click: openForm });
  let whose = (isAdmin && query.get('user_id')) || user().id;
  let keys = null;

  /** A key is one's own, so none is made where another person's keys are shown. */
  const offer = () => { making.hidden = ![user().id, ALL].includes(whose); };

  function close() {
    clear(place);
    offer();
    making.focus();
  }

  function openForm() {
    making.hidden = true;
    mount(place, keyForm({ signal, onCancel: close, onMade: (issued) => {
      offerSecret((onDone) => keySecret(issued, onDone));
      keys.reload();
    } }));
    place.querySelector('h2').focus();
  }

  function offerSecret(made) {
    making.hidden = true;
    showSecret({ place, signal, made, onDone: close });
  }

  function choose(next) {
    whose = next;
    keys = keyTable({
      caption: t.keys, captionHidden: true, empty: whose === user().id ? t.noKeys : t.noOthersKeys, signal, names: whose === ALL ? known : null,
      onSecret: offerSecret,
      load: (cursor, own) => onePage('/v1/api-keys', { user_id: whose === ALL || !isAdmin ? null : whose, cursor }, { signal: own }),
    });
    mount(rows, keys);
    if (place.childElementCount === 0) offer();
  }

  choose(whose);
  const pick = (next) => {
    setQuery({ user_id: next === user().id ? null : next }, { replace: true });
    choose(next);
  };
  return h('div', null, pageHeader({ title: t.keys, sub: t.keysSub, actions: [making] }), place,
    isAdmin ? picker(whose, known, pick) : null, rows);
}

/** For admins: one's own keys, everybody's, and those of the person whom the address names. */
function picker(whose, known, pick) {
  const one = [user().id, ALL].includes(whose) ? null : whose;
  const label = h('span', null, t.onePerson);
  if (one) known.find(one).then((person) => person && mount(label, nameOf(person)));
  const choices = [[user().id, h('span', null, t.mine)], [ALL, h('span', null, t.everybody)], one ? [one, label] : null].filter(Boolean);
  return h('fieldset', { class: 'segments' }, h('legend', { class: 'hidden' }, t.whose), choices.map(([value, words]) => h('label', null,
    h('input', { type: 'radio', name: 'whose', value, checked: value === whose, on: { change: () => pick(value) } }), words)));
}
