// The button that saves a table which is already on the page: no further request, and the same figures.
import { save } from '../../api.js';
import { csv } from '../../csv.js';
import { text } from '../../text.js';
import { button } from '../../ui/index.js';

/** `csvButton(title, name, make)`: `make()` answers `{head, rows}` when it is pressed. */
export function csvButton(title, name, make) {
  const label = text.reports.csvOf(title);
  return button(text.reports.csv, { kind: 'quiet', icon: 'download', 'aria-label': label, title: label, click: () => {
    const { head, rows } = make();
    save(csv(head, rows), `${name.replace(/[^\w.-]+/g, '_')}.csv`, 'text/csv;charset=utf-8');
  } });
}
