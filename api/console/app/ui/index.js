// All parts of the pages, in one import.
export { button, copyButton } from './button.js';
export { badge } from './badge.js';
export { confirmDialog, openDialog, tellFailure } from './dialog.js';
export { errorBox, errorWords } from './error-box.js';
export { compact, field } from './field.js';
export { filterForm } from './filter-form.js';
export { form, keyring } from './form.js';
export { icon } from './icon.js';
export { idText } from './id-text.js';
export { loading, skeleton } from './loading.js';
export { moneyText } from './money-text.js';
export { pageHeader } from './page-header.js';
export { table } from './table.js';
export { tabs } from './tabs.js';
export { facts, tile, tiles } from './tile.js';
export { announce, toast } from './toast.js';
