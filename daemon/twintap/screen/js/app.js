// The shell: who one is, which view is shown, and what is so on every view: trouble, stop, keys.
//
// A view is a module that exports `mount(root, app, params)` and gives {update(room), leave()}, and if it
// wants `event(happened)` and `key(event)` (true: taken). `update` gets the room of the view as it is, or null
// while that is not known. It may export `styles` (files in css/, `pages.css` unless said) and `isBare` (it
// brings its own way out) and `isSurface` (it is itself a stop).

import { api } from "./api.js";
import { button, el, fill, mark, say } from "./dom.js";
import { land } from "./land.js";
import { makeLayers } from "./layers.js";
import { makeLive } from "./live.js";
import { LOCK, showTheme } from "./prefs.js";
import { answer, readySound } from "./sound.js";
import { COOLDOWN_MS, isOn, makeStop, MEANT } from "./stop.js";
import { makeStopBar } from "./stopbar.js";
import { loadText, t } from "./text.js";
import { showTroubles, troubles } from "./trouble.js";

// The name in the address, what its second part is called (and its third), and the module that shows it.
const VIEWS = {
  "": { module: "rooms" },
  ready: { param: "room", module: "ready" },
  work: { param: "room", module: "work" },
  join: { param: "room", module: "join" },
  session: { param: "id", module: "after" },
  sessions: { module: "sessions" },
  course: { module: "course" },
  pulsers: { module: "pulsers" },
  pulser: { param: "id", module: "pulser" },
  add: { param: "into", then: "side", module: "add" },
  replace: { param: "replace", module: "add" },
  pairing: { param: "pairing", module: "add" },
  settings: { module: "settings" },
};
const ROOM = "twintap.room"; // in this tab alone: the room that it is about
const LOOK_MS = 500;
const COMMANDS = new Set(["admin", "therapist"]);
const PAGE_KEYS = new Set(["PageUp", "PageDown"]);

const at = (id) => document.getElementById(id);
const root = at("view");
const nav = at("nav");

let me = null;
let room = sessionStorage.getItem(ROOM);
let view = null;
let shown = { module: "", isBare: false };
let turn = 0;
// By room, what was seen of its sets: `on`, the one that ran when it was last known (null: none); `endedAt`,
// when one was seen to end; `isLost`: the daemon began anew, and of the set that ran it knows nothing.
const pasts = new Map();

const live = makeLive(() => (me && COMMANDS.has(me.role) ? room : null));
const layers = makeLayers(at("layers"), at("toasts"), [root, nav], () => render());
const stop = makeStop(live, { changed: onStop, ended: () => answer("stop") });
let showStop; // once there are words
let asked = null; // who this is, as it was asked before anything else

const app = {
  live,
  layers,
  stop,
  /** Who this browser is: {label, role, rooms, notes}. */
  get me() {
    return me;
  },
  /** Whether this browser may command, or only watch. */
  get commands() {
    return COMMANDS.has(me?.role);
  },
  /** The room that this tab is about, by its name; null: none yet. */
  get room() {
    return room;
  },
  /** What was seen of this room's sets: {on, endedAt, isLost}. */
  get past() {
    return pastOf(room);
  },
  /** Goes to a view: `#/ready/blue`. */
  go(hash) {
    if (location.hash === hash) route();
    else location.hash = hash;
  },
  /** Says a line for some seconds. */
  toast: layers.toast,
  dialog: layers.dialog,
  stopNow,
  render,
  wordsOf: (error) => error.words ?? error.message,
};

function stopNow() {
  readySound();
  const name = stoppable();
  if (name) stop.press(name);
}

// The room that Stop is for: this tab's; before one is chosen, the only one in which a set runs.
function stoppable() {
  if (room) return room;
  const running = (live.rooms() ?? []).filter((one) => isOn(one.set));
  return running.length === 1 ? running[0].name : null;
}

function onStop(state) {
  if (state.phase === "red") answer("trouble");
  render();
}

function pastOf(name) {
  if (!pasts.has(name)) pasts.set(name, { on: null, endedAt: null, isLost: false });
  return pasts.get(name);
}

function remember(past, set) {
  if (isOn(set)) Object.assign(past, { on: set.set_id, endedAt: null, isLost: false });
  else if (past.on !== null) {
    Object.assign(past, { on: null, endedAt: performance.now(), isLost: !set });
    setTimeout(render, COOLDOWN_MS + 20);
  }
}

// -- what is so on every view ----------------------------------------------------------------------------

function render() {
  const known = room ? live.room(room) : null;
  const past = pastOf(room);
  if (known) remember(past, known.set);
  const found = me ? troubles(live, known, shown.withProblems) : [];
  if (showTroubles(at("trouble"), found)) {
    document.documentElement.style.setProperty("--trouble", `${at("trouble").offsetHeight}px`);
  }
  const maybe = known ?? (past.on !== null ? { set: { state: "running" } } : live.room(stoppable()));
  showStop(me ? maybe : null, stop.state, shown.isSurface && !layers.isOpen);
  mark(document.body, "data-view", shown.module || null);
  view?.update?.(known);
}

function hear(event) {
  if (live.isRefused) {
    enter(null);
    return;
  }
  if (event && event.room === room) {
    if (event.type === "set.started") answer("start");
    if (event.type === "set.ended") answer(MEANT.has(event.data.reason) ? "stop" : "trouble");
    view?.event?.(event);
  }
  render();
}

function onKey(event) {
  readySound();
  const name = stoppable();
  if (!me || !name || event.ctrlKey || event.altKey || event.metaKey) return;
  const known = live.room(name);
  const isRunning = known ? isOn(known.set) : pastOf(name).on !== null;
  if (event.key === "Escape") {
    if (isRunning || stop.state.phase === "red") {
      if (!event.repeat) stopNow();
    } else if (!layers.closeTop()) return;
  } else if (view?.key?.(event)) {
    // The view has taken it.
  } else if (PAGE_KEYS.has(event.key) && isRunning) {
    if (!event.repeat) stopNow();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

// -- which view ------------------------------------------------------------------------------------------

async function route() {
  const carried = /^#join=([\w-]+)$/.exec(location.hash);
  if (carried || !me) {
    enter(carried?.[1] ?? null);
    return;
  }
  const { name, arg, more, found } = viewAt(location.hash);
  const params = found.param ? { [found.param]: decodeURIComponent(arg) } : {};
  if (found.then) params[found.then] = decodeURIComponent(more);
  if (params.room) {
    room = params.room;
    sessionStorage.setItem(ROOM, room);
  }
  if (room && name !== "work" && sessionStorage.getItem(LOCK)) {
    location.replace(`#/work/${encodeURIComponent(room)}`);
    return;
  }
  const mine = ++turn;
  let module;
  try {
    module = await loadView(found);
  } catch (error) {
    console.warn(error);
    if (mine === turn) failed();
    return;
  }
  if (mine !== turn) return; // another one was asked for meanwhile
  clear();
  shown = {
    name,
    module: found.module,
    isBare: Boolean(module.isBare),
    isSurface: Boolean(module.isSurface),
    withProblems: Boolean(module.isSurface),
  };
  showNav(name);
  document.title = params.room ? `${params.room} · twintap` : "twintap";
  view = module.mount(root, app, params);
  render();
  if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function clear() {
  view?.leave?.();
  view = null;
  layers.closeAll();
  root.replaceChildren();
  shown = { module: "" };
}

// What a view is made of, from the address alone: fetched while it is still being asked who this is.
function viewAt(hash) {
  const [name, arg = "", more = ""] = hash.replace(/^#\/?/, "").split("/");
  return { name, arg, more, found: VIEWS[name] ?? VIEWS[""] };
}

async function loadView(found) {
  const module = await import(`./${found.module}.js`);
  await Promise.all((module.styles ?? ["pages.css"]).map(style));
  return module;
}

const styles = new Map();

function style(file) {
  if (!styles.has(file)) {
    const link = el("link", { rel: "stylesheet", href: `/ui/css/${file}` });
    const loaded = new Promise((resolve, reject) => {
      link.onload = resolve;
      link.onerror = () => reject(new Error(`css/${file}`));
    });
    loaded.catch(() => styles.delete(file));
    styles.set(file, loaded);
    document.head.append(link);
  }
  return styles.get(file);
}

function failed() {
  clear();
  fill(root, el("main", { class: "landing" }, el("p", { text: t("app.failed") }), button(t("app.again"), { class: "main", onclick: route })));
}

function showNav(name) {
  nav.hidden = shown.isBare;
  const link = (hash, text, names) => {
    const made = el("a", { href: hash, text });
    mark(made, "aria-current", names.includes(name) ? "page" : null);
    return made;
  };
  const isRoomy = me.role !== "logger";
  fill(
    nav,
    isRoomy && link("#/", t("app.rooms"), ["", "pulsers", "pulser", "add", "replace", "pairing"]),
    isRoomy && room && link(`#/work/${encodeURIComponent(room)}`, t("app.work", { room }), ["work"]),
    me.role !== "observer" && link("#/sessions", t("app.sessions"), ["sessions", "session", "course"]),
    link("#/settings", t("app.settings"), ["settings"]),
    el("span", { class: "who", text: me.label }),
  );
  mark(nav, "aria-label", t("app.nav"));
}

// -- who -------------------------------------------------------------------------------------------------

// The way in: shown to whoever has no place here yet, and to whoever brings a link.
function enter(token) {
  turn += 1;
  clear();
  live.close();
  nav.hidden = true;
  if (!token) me = null;
  land(root, token, (found) => {
    me = null;
    history.replaceState(null, "", location.pathname + location.search);
    begin(found);
  });
  showStop(null, stop.state, true);
  say(at("trouble"), "");
}

async function begin(joined = null) {
  try {
    const answer = asked ?? api.get("/me");
    asked = null;
    me = await answer;
  } catch (error) {
    if (error.name !== "Refusal") throw error;
    if (error.code === "unreachable") {
      showTroubles(at("trouble"), [{ tone: "bad", text: t("trouble.unreachable") }]);
      setTimeout(begin, 1000);
      return;
    }
    me = null;
  }
  if (me?.role === "display") {
    location.replace(`/light/${encodeURIComponent(me.rooms?.[0] ?? "")}`);
    return;
  }
  if (me) live.open();
  const only = me?.rooms?.length === 1 ? me.rooms[0] : null;
  if (joined && me && only && me.role !== "logger") {
    app.go(`#/${me.role === "observer" ? "work" : "ready"}/${encodeURIComponent(only)}`);
  } else if (me?.role === "logger" && !location.hash) app.go("#/sessions");
  else route();
}

async function main() {
  showTheme();
  root.tabIndex = -1;
  const carriesLink = /^#join=/.test(location.hash);
  if (!carriesLink) {
    asked = api.get("/me");
    // What goes wrong is met where it is waited for.
    asked.catch(() => {});
    loadView(viewAt(location.hash).found).catch(() => {});
  }
  await loadText();
  showStop = makeStopBar(at("stopbar"), at("cover"), { press: stopNow, dismiss: () => stop.dismiss() });
  live.on(hear);
  window.addEventListener("hashchange", route);
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("pointerdown", readySound, true);
  setInterval(render, LOOK_MS);
  if (carriesLink) route();
  else await begin();
}

await main();
