// Takes server-sent events apart, from text that comes in pieces of any length.

/** A reader: `read(text)` answers the events that are whole now, `{id, type, data}`; `data` is null for a bare id. */
export function eventReader() {
  let rest = '';
  let event = fresh();
  const line = (text) => {
    if (text === '') {
      const done = event;
      event = fresh();
      return done.data === null && done.id === null ? null : done;
    }
    take(event, text);
    return null;
  };
  return {
    read(text) {
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      return lines.map(line).filter((done) => done !== null);
    },
  };
}

function fresh() {
  return { id: null, type: 'message', data: null };
}

function take(event, line) {
  const colon = line.indexOf(':');
  if (colon === 0) return;
  const field = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (field === 'id') event.id = value;
  else if (field === 'event') event.type = value;
  else if (field === 'data') event.data = event.data === null ? value : `${event.data}\n${value}`;
}
