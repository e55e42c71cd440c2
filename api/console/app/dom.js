// Makes elements. Everything on the page is made with these few functions; text is never read as markup.

const SVG = 'http://www.w3.org/2000/svg';
const AS_PROPERTY = new Set(['value', 'checked', 'indeterminate', 'selected', 'scope']);
let serial = 0;

/**
 * An element. Props: `class`, `dataset`, `on: {click}`, `style: {width: '3px'}`, and attributes by their names (`for`,
 * `aria-label`). An attribute that is null or false is left out; true makes an empty one.
 * Children: nodes, strings, numbers, arrays, objects with an `el`; null and false are left out.
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for the elements of SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** Removes all children. */
export function clear(el) {
  el.replaceChildren();
  return el;
}

/** Puts the children in the place of those that are there. */
export function mount(el, ...children) {
  el.replaceChildren(...nodes(children));
  return el;
}

/** Adds the children behind those that are there. */
export function append(el, ...children) {
  el.append(...nodes(children));
  return el;
}

/** An id that no other element of the page has. */
export function uid(prefix = 'u') {
  serial += 1;
  return `${prefix}${serial}`;
}

function fill(el, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(el, name, value);
  return append(el, ...children);
}

function set(el, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === 'dataset') Object.assign(el.dataset, value);
  else if (name === 'style') Object.assign(el.style, value);
  else if (name === 'on') for (const [type, listener] of Object.entries(value)) el.addEventListener(type, listener);
  else if (AS_PROPERTY.has(name) && name in el) el[name] = value;
  else el.setAttribute(name, value === true ? '' : String(value));
}

function nodes(children) {
  return children.flat(Infinity).flatMap((child) => {
    if (child === null || child === undefined || child === false || child === true) return [];
    if (typeof child === 'object') return [child.el ?? child];
    return [document.createTextNode(String(child))];
  });
}
