// Whether this page is older than the bank: the folder of the assets is named by the hash of all files.

const FOLDER = /^.*\/assets\/[^/]+\//.exec(new URL(import.meta.url).pathname)?.[0] ?? null;

/** True if the bank now serves another console than this one; false where that is not known. */
export async function isStale() {
  if (FOLDER === null) return false;
  try {
    const response = await fetch('/console/', { cache: 'no-store', headers: { Accept: 'text/html' } });
    return response.ok && !(await response.text()).includes(FOLDER);
  } catch {
    return false;
  }
}
