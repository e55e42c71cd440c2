// Enough of a document for the unit tests of the console: elements with attributes, children and text.

class FakeNode {
  constructor(name) {
    this.name = name;
    this.attributes = new Map();
    this.children = [];
    this.listeners = {};
    this.dataset = {};
    this.style = {};
  }

  setAttribute(name, value) { this.attributes.set(name, value); }
  getAttribute(name) { return this.attributes.get(name) ?? null; }
  removeAttribute(name) { this.attributes.delete(name); }
  addEventListener(type, listener) { this.listeners[type] = listener; }
  focus() {}
  remove() {}
  showModal() { this.open = true; }

  /** As a dialog does: the event comes only if it was open. */
  close() {
    if (!this.open) return;
    this.open = false;
    this.listeners.close?.({});
  }
  append(...nodes) { this.children.push(...nodes); }
  replaceChildren(...nodes) { this.children = nodes; }
  get lastChild() { return this.children.at(-1) ?? null; }
  get textContent() { return this.text ?? this.children.map((child) => child.textContent).join(''); }

  /** All elements below with the name. */
  all(name) {
    return this.children.flatMap((child) => [...(child.name === name ? [child] : []), ...(child.all?.(name) ?? [])]);
  }
}

/** Makes `document` be there. */
export function installFakeDom() {
  const create = (name) => new FakeNode(name);
  globalThis.document = { body: create('body'), activeElement: null, createElement: create, createElementNS: (space, name) => create(name), hidden: false,
    createTextNode: (text) => Object.assign(new FakeNode('#text'), { text }), addEventListener() {}, removeEventListener() {} };
}
