import assert from 'node:assert/strict';
import test from 'node:test';
import { installFakeDom } from '../../../tests/console/fake-dom.mjs';
import { ApiError } from './http.js';
import { text } from './text.js';
import { confirmDialog } from './ui/dialog.js';

installFakeDom();
const dialogs = () => document.body.all('dialog');

/** A dialog whose request waits for the answer, and a press of its button. */
function asked() {
  const answer = {};
  const sent = new Promise((resolve, reject) => Object.assign(answer, { resolve, reject }));
  const isDone = confirmDialog({ title: 'Freeze', confirm: 'Freeze', onConfirm: () => sent });
  const dialog = dialogs().at(-1);
  dialog.all('form')[0].listeners.submit({ preventDefault() {} });
  return { answer, dialog, isDone };
}

const count = () => dialogs().length;

test('a dialog that is closed while it sends says that it was done when the answer is there', async () => {
  const { answer, dialog, isDone } = asked();
  dialog.close();
  answer.resolve({ secret: 's' });
  assert.equal(await isDone, true);
});

test('a dialog that is closed before it sends was not done', async () => {
  const isDone = confirmDialog({ title: 'Freeze', confirm: 'Freeze', onConfirm: () => assert.fail('nothing is sent') });
  dialogs().at(-1).close();
  assert.equal(await isDone, false);
});

test('a failure after the dialog is closed is told in another one', async () => {
  const { answer, dialog, isDone } = asked();
  dialog.close();
  const before = count();
  answer.reject(new ApiError({ code: 'network', status: 0 }));
  assert.equal(await isDone, false);
  assert.equal(count(), before + 1);
  assert.match(dialogs().at(-1).textContent, new RegExp(text.errors.leftMeanwhile));
});

test('a refusal stays in the dialog that is open', async () => {
  const { answer, dialog, isDone } = asked();
  const before = count();
  answer.reject(new ApiError({ code: 'forbidden', status: 403 }));
  await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.equal(dialog.open, true);
  assert.equal(count(), before);
  assert.match(dialog.textContent, new RegExp(text.problems.forbidden));
  dialog.close();
  assert.equal(await isDone, false);
});
