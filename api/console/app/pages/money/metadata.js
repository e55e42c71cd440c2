// The metadata of a transfer as names and values. Pure.

/** `{order: {id: "5"}}` as `[['order.id', '5']]`; empty objects and lists stay as they are. */
export function flattened(value, path = '') {
  const isNested = value !== null && typeof value === 'object';
  const entries = isNested ? Object.entries(value) : [];
  if (entries.length === 0) return path === '' ? [] : [[path, isNested ? (Array.isArray(value) ? '[]' : '{}') : String(value)]];
  return entries.flatMap(([name, below]) => flattened(below, path === '' ? name : `${path}.${name}`));
}
