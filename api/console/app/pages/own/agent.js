// Which program a user agent's own description means: browser and system. Pure. A name it does not know is not guessed.

// In this order: most of them name the later ones too.
const BROWSERS = [[/\bEdgA?\//, 'Edge'], [/\bOPR\//, 'Opera'], [/\bFirefox\/|\bFxiOS\//, 'Firefox'], [/\bChrom(e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'], [/^curl\//, 'curl']];
const SYSTEMS = [[/\bAndroid\b/, 'Android'], [/\biPhone\b/, 'iPhone'], [/\biPad\b/, 'iPad'], [/\bWindows\b/, 'Windows'], [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'], [/\bLinux\b/, 'Linux']];

/** `{browser, system}`, each a name or null. Other programs name themselves before the first slash. */
export function agentOf(userAgent) {
  const named = (table) => table.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1] ?? null;
  const own = /^(?!Mozilla)([\w.-]{1,40})(\/|$)/.exec(userAgent ?? '')?.[1] ?? null;
  return { browser: named(BROWSERS) ?? own, system: named(SYSTEMS) };
}
