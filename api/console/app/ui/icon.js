// Our own few icons. They only go with words, so they say nothing to a screen reader.
import { svg } from '../dom.js';

const PATHS = {
  mark: 'M5 13V3h6M5 8h5',
  menu: 'M2 4h12M2 8h12M2 12h12',
  person: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14c.6-3 2.8-4.5 5.5-4.5s4.9 1.5 5.5 4.5',
  copy: 'M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3',
  good: 'M3 8.5 6.5 12 13 4.5',
  bad: 'M8 2 14.5 13.500h-13ZM8 6.500v3M8 11.500v.5',
  wait: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.500V8l2.5 1.5',
  stop: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5 5l6 6M11 5l-6 6',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.500v3.500M8 5v.5',
  pause: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.5 6v4M9.5 6v4',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.5 10.5 14 14',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M3 13.500h10',
};

/** An icon by its name in the table above. */
export function icon(name) {
  return svg('svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: PATHS[name] ?? PATHS.info }));
}
