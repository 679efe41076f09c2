/**
 * `#/add`, `#/add/ROOM/SIDE`, `#/replace/ID`: a pulser on a cable becomes one of this daemon's, stage by stage.
 * `#/pairing/ID`: back to a pairing that runs. A Wi-Fi password is held by this view alone, until it was used.
 */
import { el, fill, mark, put, say } from "./dom.js";
import { button } from "./forms.js";
import { networkStage } from "./addnetwork.js";
import { pairStage } from "./addpair.js";
import { placeStage } from "./addplace.js";
import { portStage } from "./addport.js";
import { t } from "./text.js";

export const styles = ["pages.css", "pulsers.css"];

const STAGES = { port: portStage, network: networkStage, place: placeStage, pair: pairStage };

export function mount(root, app, { into = "", side = "", replace = "", pairing = "" }) {
  if (app.me?.role !== "admin") return refused(root);
  // What has been chosen so far; a stage reads it and adds to it.
  const state = {
    app,
    port: null, // {port, kind, what, problem}
    found: null, // what the pulser there says of itself, and the networks that it sees
    wifi: null, // {ssid, password}; null: those that the pulser keeps
    pairing: pairing || null, // one that runs already, from before this view
    room: into || null,
    colour: null, // of a room that is not there yet
    side: side === "left" || side === "right" ? side : null,
    name: "",
    ceilingPct: 60,
    replace: null, // the view of the pulser whose place is taken
  };
  const isReplacing = Boolean(replace);
  const names = Object.keys(STAGES).filter((name) => !(isReplacing && name === "place"));
  const title = el("h1", {}, t(isReplacing ? "add.title_replace" : "add.title"));
  const about = el("p", { class: "quiet" });
  const trail = el("ol", { class: "trail", "aria-label": t("add.stages") }, names.map((name) => el("li", { "data-stage": name }, t(`add.stage.${name}`))));
  const ground = el("div", { class: "stage-ground" });
  let stage = null;

  put(root, el("main", { class: "page pulsers add", id: "main" },
    el("a", { class: "back", href: isReplacing ? `#/pulser/${encodeURIComponent(replace)}` : "#/pulsers" }, t("add.back")),
    title, about, trail, ground));

  function replaced() {
    const rooms = app.live.rooms() ?? [];
    return rooms.flatMap((room) => [room.left, room.right]).find((one) => one?.id === replace) ?? null;
  }

  function tellAbout() {
    if (!isReplacing) return say(about, t("add.words"));
    const { replace: old } = state;
    ground.hidden = !old;
    if (!old && app.live.rooms()) return say(about, t("pulser.unknown"));
    return say(about, old ? t("add.words_replace", { name: old.name, room: old.room, hand: t(`pulsers.hand.${old.side}`) }) : t("pulsers.asking"));
  }

  /** Goes to a stage; `isFirst`: nothing was shown before, so the page's own focus stays. */
  function go(name, isFirst = false) {
    stage?.leave?.();
    const at = names.indexOf(name);
    [...trail.children].forEach((one, i) => {
      mark(one, "aria-current", i === at ? "step" : null);
      mark(one, "data-past", i < at);
    });
    const head = el("h2", { id: "stage", tabIndex: -1 }, t(`add.head.${name}`));
    stage = STAGES[name](state, { go, next: () => go(names[at + 1]), head });
    const back = at > 0 && name !== "pair" ? button(t("add.back_one"), () => go(names[at - 1]), { tone: "quiet" }) : null;
    fill(ground, el("section", { class: "panel", "aria-labelledby": "stage" }, head, stage.box, back));
    if (!isFirst) {
      window.scrollTo(0, 0);
      head.focus({ preventScroll: true });
    }
  }

  function update() {
    if (isReplacing && !state.replace) state.replace = replaced();
    tellAbout();
    stage?.update?.();
  }

  update();
  go(pairing ? "pair" : "port", true);
  return { update, leave: () => stage?.leave?.() };
}

/** For whom a daemon's own computer is not theirs: said at once, and nothing asked in vain. */
function refused(root) {
  put(root, el("main", { class: "page pulsers add", id: "main" },
    el("a", { class: "back", href: "#/pulsers" }, t("add.back")),
    el("h1", {}, t("add.title")),
    el("p", { class: "known" }, t("add.not_yours"))));
  return { update() {}, leave() {} };
}
