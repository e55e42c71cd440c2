// A part that scrolls by itself can be reached with the keyboard, but only while there is something to scroll.

/** Watches the element: while its content is larger, it is a region with a name that takes the focus. Answers the element. */
export function scrollRegion(el, label) {
  if (!globalThis.ResizeObserver) return el;
  const watch = new ResizeObserver(() => {
    const isLarger = el.scrollWidth > el.clientWidth + 1 || el.scrollHeight > el.clientHeight + 1;
    const marks = { tabindex: '0', role: 'region', 'aria-label': label };
    for (const [name, value] of Object.entries(marks)) {
      if (isLarger) el.setAttribute(name, value);
      else el.removeAttribute(name);
    }
  });
  watch.observe(el);
  if (el.firstElementChild) watch.observe(el.firstElementChild);
  return el;
}
