// What staff do to a person, each asked for before it is done. Afterwards the page is shown anew.
import { at, post } from '../../api.js';
import { h } from '../../dom.js';
import { current, refreshPage } from '../../router.js';
import { text } from '../../text.js';
import { show } from '../../time.js';
import { button, confirmDialog, copyButton, facts, field, toast } from '../../ui/index.js';
import { nameOf } from './names.js';
import { secretBox } from './secret.js';

const t = text.people;
/** The bank answers an erasure when nothing is left, which may take a while. */
const ERASE_MS = 300_000;

/** The buttons for what `may` (of `actsOn`) allows; a one-time token is shown by `onSecret(box)`. */
export function actButtons(person, may, onSecret) {
  return [
    may.activate ? button(t.activate, { click: () => activate(person) }) : null,
    may.reset ? button(t.reset, { click: () => reset(person, onSecret) }) : null,
    may.role ? button(t.changeRole, { click: () => changeRole(person) }) : null,
    may.suspend ? button(t.suspend, { click: () => suspend(person) }) : null,
    may.erase ? button(t.erase, { kind: 'danger', click: () => erase(person) }) : null,
  ].filter(Boolean);
}

async function suspend(person) {
  const isDone = await confirmDialog({ title: t.suspendTitle(nameOf(person)), text: t.suspendText, confirm: t.suspend,
    onConfirm: () => post(at`/v1/users/${person.id}/suspend`) });
  if (isDone) await shownAnew(person, t.suspended(nameOf(person)));
}

async function activate(person) {
  const isDone = await confirmDialog({ title: t.activateTitle(nameOf(person)), text: t.activateText, confirm: t.activate,
    onConfirm: () => post(at`/v1/users/${person.id}/activate`) });
  if (isDone) await shownAnew(person, t.activated(nameOf(person)));
}

async function changeRole(person) {
  const others = Object.keys(text.roles).filter((role) => role !== person.role);
  const role = field({ name: 'role', label: t.newRole, type: 'select', required: true,
    options: [['', t.choose], ...others.map((word) => [word, text.roles[word]])] });
  const words = [h('p', null, t.roleText), facts(others.map((word) => [text.roles[word], t.roleMeans[word]]))];
  const isDone = await confirmDialog({ title: t.roleTitle(nameOf(person)), text: words, confirm: t.changeRole, fields: [role],
    onConfirm: (values) => post(at`/v1/users/${person.id}/role`, values) });
  if (isDone) await shownAnew(person, t.roleChanged(nameOf(person), text.roles[role.value]));
}

async function reset(person, onSecret) {
  let token = null;
  await confirmDialog({ title: t.resetTitle(nameOf(person)), text: t.resetText, confirm: t.resetConfirm,
    onConfirm: async () => { token = await post(at`/v1/users/${person.id}/reset`); } });
  if (token === null) return;
  const place = `${location.origin}/console/reset`;
  onSecret((onDone) => secretBox({ title: t.resetSecret, words: t.resetSecretText(nameOf(person)), label: t.resetSecret, secret: token.token, copy: t.copyToken, onDone,
    pairs: [[t.resetAt, [h('code', null, place), copyButton(place, t.copyPlace)]], [t.endsAt, show(token.expires_at)]] }));
}

async function erase(person) {
  const typed = field({ name: 'typed', label: t.eraseType(person.email), required: true, autocomplete: 'off',
    check: (value) => (value.toLowerCase() === person.email ? null : t.eraseMismatch) });
  const isDone = await confirmDialog({ title: t.eraseTitle(nameOf(person)), text: t.eraseText.map((words) => h('p', null, words)),
    confirm: t.eraseConfirm, kind: 'danger', fields: [typed],
    onConfirm: () => post(at`/v1/users/${person.id}/erase`, undefined, { limitMs: ERASE_MS }) });
  if (isDone) await shownAnew(person, t.erased);
}

/** The page is drawn anew unless the reader has left it: the other page may hold what they type. */
async function shownAnew({ id }, words) {
  if (current().toLowerCase() === `/people/${id}`) await refreshPage();
  toast(words);
}
