// Every word that is shown. They stand in text.en.json and nowhere else.

const SOURCE = "/ui/text.en.json";
const ACCENTS = {
  a: "á", b: "ƀ", c: "ç", d: "ð", e: "é", f: "ƒ", g: "ĝ", h: "ĥ", i: "í", j: "ĵ", k: "ķ", l: "ļ", m: "ɱ",
  n: "ñ", o: "ó", p: "þ", q: "ǫ", r: "ŕ", s: "š", t: "ţ", u: "ú", v: "ṽ", w: "ŵ", x: "ẋ", y: "ý", z: "ž",
};

let words = {};
let isPseudo = false;
const plurals = new Intl.PluralRules("en");

/** Fetches the words; to be awaited once, before anything is shown. `?lang=pseudo` marks each of them. */
export async function loadText() {
  isPseudo = new URLSearchParams(location.search).get("lang") === "pseudo";
  const answer = await fetch(SOURCE);
  if (!answer.ok) throw new Error(`${SOURCE}: ${answer.status}`);
  words = await answer.json();
  document.documentElement.lang = isPseudo ? "en-XA" : "en";
}

/** The text of `key`, with each `{name}` in it replaced by `vars.name`. */
export function t(key, vars = {}) {
  const text = words[key];
  if (text === undefined) {
    console.error(`there is no text for ${key}`);
    return key;
  }
  return fill(isPseudo ? pseudo(text) : text, vars);
}

/** The text of `key.one` or `key.other`, as the number `n` wants it; `{n}` in it is the number. */
export function tn(key, n, vars = {}) {
  return t(`${key}.${plurals.select(n)}`, { n, ...vars });
}

/** Whether there is a text for `key`. */
export function has(key) {
  return words[key] !== undefined;
}

function fill(text, vars) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in vars ? String(vars[name]) : whole));
}

// What is not marked on the screen was not in the file; what is longer by a third still has to fit.
function pseudo(text) {
  const parts = text.split(/(\{\w+\})/);
  const marked = parts.map((part, at) => (at % 2 ? part : [...part].map(accented).join(""))).join("");
  return `⟦${marked}${"·".repeat(Math.ceil(text.length / 5))}⟧`;
}

function accented(letter) {
  return ACCENTS[letter] ?? letter;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

/** A time of day as the browser's user writes it; `at` is RFC 3339. */
export function timeOf(at) {
  return clock.format(new Date(at));
}

/** A date as the browser's user writes it; `at` is RFC 3339. */
export function dateOf(at) {
  return day.format(new Date(at));
}

/** A span as m:ss, or h:mm:ss from an hour on. */
export function spanOf(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const seconds = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${seconds}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
}
