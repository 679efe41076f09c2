// What this browser remembers for its user: the theme, the sounds. Nothing of a client, and no token.

const PREFIX = "twintap.";

/** Where this tab remembers that it is locked: a reload or another address opens no lock. */
export const LOCK = "twintap.lock";

const THEMES = ["auto", "light", "dark", "contrast"];
const bright = matchMedia("(prefers-color-scheme: light)");
const stark = matchMedia("(prefers-contrast: more)");

// A page that was opened with a theme keeps it until one is chosen.
const given = document.documentElement.dataset.theme ?? "auto";
const kept = new Map();

/** What was chosen for `name`, else `otherwise`. */
export function pref(name, otherwise) {
  if (!kept.has(name)) kept.set(name, read(PREFIX + name));
  return kept.get(name) ?? otherwise;
}

/** Remembers a choice, in this tab in any case, and in this browser where it lets us. */
export function choose(name, value) {
  kept.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  if (name === "theme") showTheme();
}

function read(key) {
  try {
    const text = localStorage.getItem(key);
    return text === null ? null : JSON.parse(text);
  } catch (error) {
    if (error instanceof DOMException || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The themes that may be chosen. */
export const themes = THEMES;

/** Which theme was chosen. */
export function theme() {
  const chosen = pref("theme", given);
  return THEMES.includes(chosen) ? chosen : "auto";
}

/** Puts the chosen theme on the page; `auto` follows what the device's user wants everywhere. */
export function showTheme() {
  const chosen = theme();
  const auto = stark.matches ? "contrast" : bright.matches ? "light" : "dark";
  document.documentElement.dataset.theme = chosen === "auto" ? auto : chosen;
}

for (const query of [bright, stark]) query.addEventListener("change", showTheme);
