/** `#/pulsers`: every pulser by its room: how it is, a buzz, and the way to all that can be changed of it. */
import { api } from "./api.js";
import { el, fill, mark, put, say } from "./dom.js";
import { sidesAsSeen } from "./figure.js";
import { attempt, button, facts, outcome, paint } from "./forms.js";
import { batteryOf, canBuzz, lineOf, linkOf, powerOf, seenOf, trimOf } from "./pulserwords.js";
import { t } from "./text.js";
import { underway } from "./underway.js";
import { count } from "./words.js";

export const styles = ["pages.css", "pulsers.css"];

const LOOK_MS = 5000; // how often it is asked which strangers are heard

export function mount(root, app) {
  const isAdmin = app.me?.role === "admin";
  const waiting = el("p", { class: "waiting", role: "status" }, t("pulsers.asking"));
  const list = el("div", { class: "pulser-rooms" });
  const said = outcome();
  const running = isAdmin ? underway() : null;
  const may = { buzz: app.commands, change: isAdmin };
  const strangers = isAdmin ? heardPanel() : null;
  const rooms = new Map();

  put(
    root,
    el("main", { class: "page pulsers", id: "main" },
      el("a", { class: "back", href: "#/" }, t("ready.back")),
      el("h1", {}, t("pulsers.title")),
      el("p", { class: "quiet" }, t(isAdmin ? "pulsers.words" : "pulsers.words_watch")),
      isAdmin ? el("div", { class: "row pulsers-add" }, el("a", { class: "button main", href: "#/add" }, t("pulsers.add"))) : null,
      running?.box,
      waiting,
      said.box,
      list,
      strangers?.box),
  );

  function show(views) {
    for (const [name, one] of rooms)
      if (!views.some((view) => view.name === name)) {
        one.box.remove();
        rooms.delete(name);
      }
    const byName = [...views].sort((one, two) => one.name.localeCompare(two.name));
    byName.forEach((view, i) => {
      if (!rooms.has(view.name)) {
        const one = roomOf(view.name, said, may);
        rooms.set(view.name, one);
        list.insertBefore(one.box, list.children[i] ?? null);
      }
      rooms.get(view.name).show(view);
    });
  }

  return {
    update() {
      const views = app.live.rooms();
      // What is not known to hold now is not shown.
      say(waiting, views === null ? t("pulsers.asking") : views.length ? "" : t("pulsers.none"));
      waiting.hidden = !waiting.textContent;
      show(views ?? []);
    },
    leave() {
      strangers?.leave();
      running?.leave();
    },
  };
}

/** A room with its two places, in the order in which the client's hands are seen. */
function roomOf(name, said, may) {
  const id = `room-${encodeURIComponent(name)}`;
  const places = sidesAsSeen().map((side) => placeOf(name, side, said, may));
  const box = el(
    "section",
    { class: "pulser-room", "aria-labelledby": id },
    el("h2", { id }, el("span", { class: "swatch", "aria-hidden": "true" }), el("a", { href: `#/ready/${encodeURIComponent(name)}` }, name)),
    el("div", { class: "pulser-places" }, places.map((place) => place.box)),
  );
  return {
    box,
    show(view) {
      paint(box, view.colour);
      for (const place of places) place.show(view);
    },
  };
}

/** One side of a room: its pulser, or the way to add one. */
function placeOf(room, side, said, may) {
  const box = el("article", { class: "pulser", "data-side": side });
  let shown = null; // the id that is drawn; "" for an empty place
  let card = null;

  return {
    box,
    show(view) {
      const pulser = view[side];
      if (shown !== (pulser?.id ?? "")) {
        shown = pulser?.id ?? "";
        card = pulser ? cardOf(pulser, said, may) : null;
        fill(box, card?.parts ?? emptyPlace(room, side, may));
        mark(box, "aria-label", pulser ? null : t(`ready.hand.${side}`));
        mark(box, "aria-labelledby", pulser ? card.title.id : null);
      }
      mark(box, "data-tone", pulser ? card.show(pulser, view) : "none");
    },
  };
}

function emptyPlace(room, side, may) {
  const into = `#/add/${encodeURIComponent(room)}/${side}`;
  return [
    el("h3", {}, t(`ready.hand.${side}`)),
    el("p", { class: "quiet" }, t("pulsers.empty")),
    may.change ? el("a", { class: "button", href: into }, t("pulsers.add_here")) : null,
  ];
}

function cardOf(first, said, may) {
  const id = first.id;
  const title = el("h3", { id: `pulser-${id}` });
  const side = el("p", { class: "pulser-side" });
  const state = el("p", { class: "pulser-state", role: "status" });
  const known = el("div");
  const old = el("p", { class: "pulser-note", hidden: true });
  const buzz = button("", () => attempt(buzz, said, () => api.post(`/pulsers/${id}/identify`)), { tone: "tall" });
  const change = may.change ? el("a", { class: "button tall", href: `#/pulser/${id}` }, t("pulsers.change")) : null;
  let key = "";

  return {
    title,
    parts: [title, side, state, known, old, may.buzz ? el("div", { class: "row" }, buzz, change) : null],
    /** Gives the card's tone. */
    show(pulser, room) {
      const line = lineOf(pulser, room);
      say(title, pulser.name);
      say(side, t(`ready.hand.${pulser.side}`));
      say(state, line.text);
      const pairs = [
        [t("ready.pulser.battery"), batteryOf(pulser)],
        [t("pulsers.link"), linkOf(pulser)],
        [t("pulsers.power"), powerOf(pulser)],
        [t("pulsers.trim"), trimOf(pulser)],
        [t("pulsers.firmware"), pulser.firmware ?? t("pulsers.unknown")],
        [t("ready.pulser.seen"), seenOf(pulser)],
      ];
      const next = JSON.stringify(pairs);
      if (next !== key) fill(known, facts(pairs));
      key = next;
      say(old, pulser.firmware_is_old ? t("pulsers.old") : "");
      old.hidden = !old.textContent;
      say(buzz, t("pulsers.buzz"));
      mark(buzz, "aria-label", t("pulsers.buzz_of", { name: pulser.name }));
      if (change) mark(change, "aria-label", t("pulsers.change_of", { name: pulser.name }));
      buzz.disabled = !canBuzz(pulser, room);
      return line.tone;
    },
  };
}

/** Pulsers that were heard on the network and are not this daemon's. */
function heardPanel() {
  const list = el("ul", { class: "lines" });
  const summary = el("summary");
  const box = el("details", { class: "panel", hidden: true }, summary, el("p", {}, t("pulsers.heard.words")), list);
  let key = "";
  async function look() {
    let heard;
    try {
      heard = (await api.get("/pulsers")).elsewhere;
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      return; // a daemon that is gone is said by the line of trouble
    }
    const next = JSON.stringify(heard);
    if (next === key) return;
    key = next;
    box.hidden = heard.length === 0;
    say(summary, count("pulsers.heard", heard.length));
    fill(list, heard.map((one) =>
      el("li", {}, el("div", {}, el("code", {}, one.id)), el("span", { class: "quiet" }, t(one.daemon_id ? "pulsers.heard.others" : "pulsers.heard.nobodys")))));
  }
  look();
  const timer = setInterval(look, LOOK_MS);
  return { box, leave: () => clearInterval(timer) };
}
