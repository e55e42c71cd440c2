// Asks for the password over the page when the session has ended. The page below stays as it is.
import { isAbort } from '../http.js';
import * as session from '../session.js';
import { h } from '../dom.js';
import { text } from '../text.js';
import { button } from './button.js';
import { openDialog } from './dialog.js';
import { field } from './field.js';
import { form } from './form.js';

/** Resolves to true when the same person has signed in again, here or in another tab; to false when they close the dialog. */
export function askAgain() {
  const person = session.user();
  if (person === null) return Promise.resolve(false);
  return new Promise((resolve) => {
    let isBack = false;
    const succeed = () => {
      isBack = true;
      dialog.close();
    };
    const password = field({ name: 'password', label: text.enter.password, type: 'password', required: true, autocomplete: 'current-password' });
    const email = field({ name: 'email', label: text.enter.email, type: 'email', value: person.email, readonly: true, required: true, autocomplete: 'username' });
    const asking = form({
      fields: [email, password], submit: text.enter.signIn,
      buttons: [button(text.enter.leave, { click: () => leave(dialog) })],
      async onSubmit(values) {
        await session.signIn(values.email, values.password);
        succeed();
      },
    });
    const end = session.onSignInElsewhere((id) => id === person.id && resume(succeed));
    const content = [h('p', null, text.enter.sessionEnded), asking];
    const dialog = openDialog({ title: text.enter.again, content, onClose: () => {
      end();
      resolve(isBack);
    } });
    password.input.focus();
  });
}

async function resume(succeed) {
  try {
    await session.refresh();
    await session.reload();
    succeed();
  } catch (error) {
    // The dialog stays, and the person can sign in here.
    if (!isAbort(error) && error.status === undefined) throw error;
  }
}

async function leave(dialog) {
  dialog.close();
  session.forget();
}
