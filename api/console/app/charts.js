// Charts as SVG of our own. Each has a title, a description and, below it, the same numbers as a table. Values are decimal
// texts, BigInts or whole numbers; they are exact until they become pixels.
import { h, mount, svg, uid } from './dom.js';
import { axis, everyNth, exact, fullText, linePath, percent, pixel, shortText, stack } from './scale.js';
import { text } from './text.js';
import { scrollRegion } from './ui/scroll-region.js';

const LEFT = 48;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;
const FIRST_WIDTH = 640;
/** About the width of a character of an axis, and the room between two labels. */
const CHARACTER = 6.6;
const LABEL_GAP = 14;
const ROW = 36;
/** Points with less room than that between them get no dot. */
const DOT_ROOM = 14;
const X_STEPS_MAX = 6;
/** More points than that get no titles of their own: the table has them. */
const TITLES_MAX = 200;
const PALETTE = 8;

/**
 * Lines over time: `line({label, desc, series: [{label, points: [{x, y}]}], height, isStep, xText, yText, tickText})`; `x` is a
 * number such as milliseconds, which `tickText` may say shorter on the axis. Answers `{el, update(series)}`.
 */
export function line({ label, desc, series, height = 220, isStep = false, xText = String, yText = fullText, tickText = xText }) {
  let now = series;
  const chart = framed({ label, desc, height, draw: (width) => drawLines(now, { width, height, isStep, xText, yText, tickText }) });
  const numbers = numbersTable(label, () => lineRows(now, xText, yText));
  const keys = h('div', null, legend(now.map((one) => one.label)));
  return {
    el: h('figure', { class: 'chart' }, chart.el, keys, numbers.el),
    update(next) {
      const isSame = next.length === now.length && next.every((one, n) => one.label === now[n].label);
      now = next;
      if (!isSame) mount(keys, legend(now.map((one) => one.label)));
      chart.redraw();
      numbers.redraw();
    },
  };
}

/**
 * Stacked bars: `bars({label, desc, groups: [{label, tick, parts: [{label, value}]}], height, yText, most})`; the axis says `tick`
 * where there is one, and reaches to `most` where charts share a scale. A part keeps its colour in all groups. Answers `{el, update(groups)}`.
 */
export function bars({ label, desc, groups, height = 240, yText = fullText, most = 0n }) {
  let now = groups;
  const chart = framed({ label, desc, height, draw: (width) => drawBars(now, { width, height, yText, most }) });
  const numbers = numbersTable(label, () => barRows(now, yText));
  const keys = h('div', null, legend(partLabels(now)));
  return {
    el: h('figure', { class: 'chart' }, chart.el, keys, numbers.el),
    update(next) {
      now = next;
      mount(keys, legend(partLabels(now)));
      chart.redraw();
      numbers.redraw();
    },
  };
}

/** Steps that get fewer: `funnel({label, desc, steps: [{label, value}]})`, each with its share of the first. */
export function funnel({ label, desc, steps }) {
  const first = exact(steps[0]?.value ?? 0);
  return rows({ label, desc, items: steps, note: (item) => text.chart.share(percent(exact(item.value), first)) });
}

/**
 * Horizontal bars, for names that are long: `rows({label, desc, items: [{label, value, look, parts}], valueText, note(item), most})`.
 * The whole width is `most`, without it the largest value. The `parts` of an item, `[{label, value, look}]`, are stacked; `look` is `good`, `stop` or `wait`.
 */
export function rows({ label, desc, items, valueText = fullText, note = () => '', most = null }) {
  const whole = most === null ? items.reduce((max, item) => (exact(item.value) > max ? exact(item.value) : max), 0n) : exact(most);
  const height = items.length * ROW;
  const draw = (width) => items.map((item, n) => horizontalBar(item, { n, width, most: whole, valueText, words: `${valueText(item.value)} ${note(item)}`.trim() }));
  const chart = framed({ label, desc, height, draw });
  const parts = items[0]?.parts ?? [];
  const table = numbersTable(label, () => ({ head: [text.chart.name, ...parts.map((part) => part.label), text.chart.value],
    rows: items.map((item) => [item.label, ...(item.parts ?? []).map((part) => valueText(part.value)), `${valueText(item.value)} ${note(item)}`.trim()]) }));
  return { el: h('figure', { class: 'chart' }, chart.el, legend(parts.map((part) => part.label), parts), table.el) };
}

/** An SVG that is drawn for the width that it has, at a height that does not change. */
function framed({ label, desc, height, draw }) {
  const [titleId, descId] = [uid('c'), uid('c')];
  const image = svg('svg', { class: 'chart-image', role: 'img', height, width: '100%', 'aria-labelledby': titleId, 'aria-describedby': desc ? descId : null });
  let width = FIRST_WIDTH;
  const redraw = () => {
    image.setAttribute('viewBox', `0 0 ${width} ${height}`);
    mount(image, svg('title', { id: titleId }, label), desc ? svg('desc', { id: descId }, desc) : null, draw(width));
  };
  redraw();
  if (globalThis.ResizeObserver) {
    new ResizeObserver(([entry]) => {
      const next = Math.round(entry.contentRect.width);
      if (next === 0 || next === width) return;
      width = next;
      redraw();
    }).observe(image);
  }
  return { el: image, redraw };
}

function drawLines(series, { width, height, isStep, xText, yText, tickText }) {
  const [w, hgt] = [width - LEFT - RIGHT, height - TOP - BOTTOM];
  const all = series.flatMap((one) => one.points);
  if (all.length === 0) return nothing(width, height);
  const scale = axis(all.map((point) => exact(point.y)));
  const [first, last] = [Math.min(...all.map((point) => point.x)), Math.max(...all.map((point) => point.x))];
  const place = (point) => [LEFT + ((point.x - first) / (last - first || 1)) * w, TOP + pixel(exact(point.y), scale, hgt)];
  return [
    yAxis(scale, w, hgt),
    xAxis({ first, last, width, height, place, tickText }),
    series.map((one, n) => oneLine(one, { n, place, isStep, xText, yText, isDotted: w / one.points.length >= DOT_ROOM,
      floor: series.length === 1 ? TOP + pixel(0n, scale, hgt) : null })),
  ];
}

/** The first and the last place, and those between them that have room, unless two would say the same. */
function xAxis({ first, last, width, height, place, tickText }) {
  const fitting = Math.floor((width - LEFT - RIGHT) / (tickText(last).length * CHARACTER * 2));
  const steps = Math.max(1, Math.min(X_STEPS_MAX, fitting));
  const even = Array.from({ length: steps + 1 }, (_, n) => Math.round(first + ((last - first) * n) / steps));
  const areDistinct = new Set(even.map(tickText)).size === even.length;
  const xs = last === first ? [first] : areDistinct ? even : [first, last];
  return xs.map((x) => xLabel(place({ x, y: '0' })[0], height, tickText(x), x === first ? 'start' : x === last ? 'end' : 'middle'));
}

/** Where there is no room for dots, the values of the points are still there to hover over. */
function oneLine(one, { n, place, isStep, xText, yText, isDotted, floor }) {
  const placed = one.points.map(place);
  const hasTitles = one.points.length <= TITLES_MAX;
  const dots = hasTitles ? one.points.map((point, at) => svg('circle', { class: `dot s${n % PALETTE}${isDotted ? '' : ' bare'}`, cx: placed[at][0], cy: placed[at][1], r: isDotted ? 2.5 : 4 },
    svg('title', null, `${xText(point.x)}: ${yText(point.y)}`))) : null;
  const below = floor === null ? null : svg('polygon', { class: `below s${n % PALETTE}`, points: belowLine(placed, isStep, floor) });
  return [below, svg('path', { class: `line s${n % PALETTE}`, d: linePath(placed, isStep) }), dots];
}

/** The corners of the area between a line and zero. */
function belowLine(points, isStep, floor) {
  const corners = points.flatMap(([x, y], n) => (isStep && n > 0 ? [[x, points[n - 1][1]], [x, y]] : [[x, y]]));
  return [[points[0][0], floor], ...corners, [points.at(-1)[0], floor]].map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
}

function drawBars(groups, { width, height, yText, most }) {
  const [w, hgt] = [width - LEFT - RIGHT, height - TOP - BOTTOM];
  if (groups.length === 0) return nothing(width, height);
  const labels = partLabels(groups);
  const stacks = groups.map((group) => stack(group.parts));
  const scale = axis([exact(most), ...stacks.map((parts) => parts.at(-1)?.to ?? 0n)]);
  const slot = w / groups.length;
  const gap = Math.min(8, slot * 0.2);
  const longest = Math.max(...groups.map((group) => tickOf(group).length));
  const nth = everyNth(groups.length, w, longest * CHARACTER + LABEL_GAP);
  return [
    yAxis(scale, w, hgt),
    groups.map((group, n) => {
      const x = LEFT + n * slot + gap / 2;
      const isLabelled = n % nth === 0;
      return [stacks[n].map((part) => bar(part, { x, width: slot - gap, scale, hgt, n: labels.indexOf(part.label), words: `${group.label}, ${part.label}: ${yText(part.value)}` })),
        isLabelled ? xLabel(x + (slot - gap) / 2, height, tickOf(group), 'middle') : null];
    }),
  ];
}

/** What an axis says of a group. */
function tickOf({ tick, label }) {
  return tick ?? label;
}

function bar(part, { x, width, scale, hgt, n, words }) {
  const top = TOP + pixel(part.to, scale, hgt);
  const bottom = TOP + pixel(part.from, scale, hgt);
  return svg('rect', { class: `area s${n % PALETTE}`, x, y: top, width: Math.max(1, width), height: Math.max(0, bottom - top) }, svg('title', null, words));
}

function horizontalBar(item, { n, width, most, words, valueText }) {
  const y = n * ROW;
  const length = (value) => (most > 0n ? Math.max(0, (1 - pixel(value, { low: 0n, high: most }, 1)) * width) : 0);
  const part = ({ from, to, look, label, value }) => svg('rect', { class: `area ${look ?? 's0'}`, x: length(from), y: y + 20, width: length(to) - length(from), height: 9 },
    label === undefined ? null : svg('title', null, `${item.label}, ${label}: ${valueText(value)}`));
  return svg('g', null,
    svg('text', { class: 'row-label', x: 0, y: y + 14 }, item.label),
    svg('text', { class: 'row-value', x: width, y: y + 14, 'text-anchor': 'end' }, words),
    svg('rect', { class: 'track', x: 0, y: y + 20, width, height: 9 }),
    stack(item.parts ?? [{ value: item.value, look: item.look }]).map(part));
}

function yAxis(scale, w, hgt) {
  return scale.ticks.map((tick) => {
    const y = TOP + pixel(tick, scale, hgt);
    return [svg('line', { class: tick === 0n ? 'grid zero' : 'grid', x1: LEFT, x2: LEFT + w, y1: y, y2: y }),
      svg('text', { class: 'tick', x: LEFT - 8, y: y + 4, 'text-anchor': 'end' }, shortText(tick))];
  });
}

function xLabel(x, height, words, anchor) {
  return svg('text', { class: 'tick', x, y: height - 8, 'text-anchor': anchor }, words);
}

function nothing(width, height) {
  return svg('text', { class: 'tick', x: width / 2, y: height / 2, 'text-anchor': 'middle' }, text.chart.empty);
}

/** The names of the series, in the form that each has in the chart. One series needs none. */
function legend(labels, looks = []) {
  if (labels.length < 2) return null;
  return h('ul', { class: 'legend' }, labels.map((label, n) => h('li', null,
    svg('svg', { viewBox: '0 0 18 10', width: 18, height: 10, 'aria-hidden': 'true' }, svg('rect', { class: `area ${looks[n]?.look ?? `s${n % PALETTE}`}`, x: 0, y: 1, width: 18, height: 8 })), label)));
}

function partLabels(groups) {
  return [...new Set(groups.flatMap((group) => group.parts.map((part) => part.label)))];
}

/** The numbers as a table that is made when it is opened. */
function numbersTable(caption, make) {
  const body = scrollRegion(h('div', { class: 'table-frame' }), caption);
  const el = h('details', { class: 'numbers', on: { toggle: () => redraw() } }, h('summary', null, text.chart.numbers), body);
  function redraw() {
    if (!el.open) return;
    const { head, rows: lines } = make();
    mount(body, h('table', { class: 'table plain' }, h('caption', { class: 'hidden' }, caption),
      h('thead', null, h('tr', null, head.map((word, n) => h('th', { scope: 'col', class: n === 0 ? null : 'end' }, word)))),
      h('tbody', null, lines.map(([first, ...rest]) => h('tr', null, h('th', { scope: 'row' }, first), rest.map((cell) => h('td', { class: 'end' }, cell)))))));
  }
  return { el, redraw };
}

function lineRows(series, xText, yText) {
  const xs = [...new Set(series.flatMap((one) => one.points.map((point) => point.x)))].sort((a, b) => a - b);
  const values = series.map((one) => new Map(one.points.map((point) => [point.x, point.y])));
  return { head: [text.chart.time, ...series.map((one) => one.label)],
    rows: xs.map((x) => [xText(x), ...values.map((map) => (map.has(x) ? yText(map.get(x)) : ''))]) };
}

function barRows(groups, yText) {
  const labels = partLabels(groups);
  return { head: [text.chart.name, ...labels],
    rows: groups.map((group) => [group.label, ...labels.map((label) => {
      const part = group.parts.find((one) => one.label === label);
      return part ? yText(part.value) : '';
    })]) };
}
