// What a person does and sees, by roles and labels. A scope is a page or a part of one, such as a dialog.
import assert from 'node:assert/strict';
import { text } from '../../api/console/app/text.js';

const optional = escaped(text.ui.optional);

/** Waits until it is there. */
export function seen(locator) {
  return locator.waitFor({ state: 'visible' });
}

/** Waits until it is not. */
export function gone(locator) {
  return locator.waitFor({ state: 'hidden' });
}

/** The control with this label. */
export function control(scope, label) {
  return scope.getByLabel(new RegExp(`^\\s*${escaped(label)}(\\s+${optional})?\\s*$`));
}

export function fill(scope, label, value) {
  return control(scope, label).fill(value);
}

/** Chooses by the option's value. */
export function choose(scope, label, value) {
  return control(scope, label).selectOption(value);
}

export function tick(scope, label) {
  return control(scope, label).check();
}

/** Chooses one of several that exclude each other. */
export function pick(scope, label) {
  return scope.getByRole('radio', { name: label, exact: true }).check();
}

export function button(scope, label) {
  return scope.getByRole('button', { name: label, exact: true });
}

export function press(scope, label) {
  return button(scope, label).click();
}

export function follow(scope, label) {
  return scope.getByRole('link', { name: label, exact: true }).click();
}

/** The dialog that is open, by its title where one is named. */
export function dialog(page, title) {
  return title === undefined ? page.getByRole('dialog') : page.getByRole('dialog', { name: title });
}

/** Waits for the page whose heading this is. */
export function headed(page, title) {
  return seen(page.getByRole('heading', { level: 1, name: title, exact: true }));
}

/** Waits for news that say so. */
export function told(page, words) {
  return seen(page.getByRole('status').getByText(words).first());
}

/** Waits for a refusal with these words; answers it. */
export async function refused(scope, words) {
  const alert = scope.getByRole('alert').filter({ hasText: words });
  await seen(alert);
  return alert;
}

/** Waits until nothing is loading any more. */
export async function settled(page) {
  await seen(page.getByRole('heading', { level: 1 }));
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"], .skeleton') === null);
}

/** Presses Tab until the focus is there, as somebody without a mouse does. */
export async function tabTo(page, locator, most = 80) {
  await seen(locator);
  for (let n = 0; n < most; n += 1) {
    await page.keyboard.press('Tab');
    if (await locator.evaluate((el) => el === document.activeElement)) return;
  }
  assert.fail(`the focus does not come to ${locator} within ${most} presses of Tab`);
}

/** The text of a file that a press saves, and its name. */
export async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  const stream = await download.createReadStream();
  let content = '';
  for await (const piece of stream.setEncoding('utf8')) content += piece;
  return { name: download.suggestedFilename(), content };
}

function escaped(words) {
  return words.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
