/** `#/`: the rooms as big tiles, each in its colour; a new one; and the way in with six digits. */
import { api } from "./api.js";
import { el, mark, put, say } from "./dom.js";
import { attempt, button, colourName, colours, COLOURS, field, form, outcome, paint } from "./forms.js";
import { restOf } from "./surface.js";
import { t } from "./text.js";
import { count } from "./words.js";

export function mount(root, app) {
  const list = el("ul", { class: "tiles", "aria-label": t("rooms.list") });
  const told = el("p", { class: "quiet", role: "status" });
  const tiles = new Map();

  function show(rooms) {
    for (const room of rooms) {
      let tile = tiles.get(room.name);
      if (!tile) {
        tile = roomTile(room.name);
        tiles.set(room.name, tile);
        list.append(tile.box);
      }
      tile.show(room);
    }
    for (const [name, tile] of tiles)
      if (!rooms.some((room) => room.name === name)) {
        tile.box.remove();
        tiles.delete(name);
      }
  }

  put(
    root,
    el(
      "main",
      { class: "page rooms", id: "main" },
      el("h1", {}, t("rooms.title")),
      told,
      list,
      el("div", { class: "row rooms-more" },
        el("a", { class: "button", href: "#/pulsers" }, t("pulsers.title")),
        app.me.role === "admin" ? el("a", { class: "button", href: "#/add" }, t("pulsers.add")) : null),
      el("div", { class: "asides" }, app.commands && app.me.rooms == null ? newRoom() : null, joinForm(app)),
    ),
  );

  return {
    update() {
      // What is not known to hold now is not shown.
      const rooms = app.live.rooms();
      show(rooms ?? []);
      const none = app.commands && app.me.rooms == null ? "rooms.none" : "rooms.none_for_you";
      say(told, rooms === null ? t("rooms.asking") : rooms.length ? "" : t(none));
      told.hidden = !told.textContent;
    },
    leave() {},
  };
}

/** A room's state in a few words, from what the daemon said of it. */
export function stateOf(room) {
  const running = room.set && room.set.state !== "ended";
  if (running) return { word: t("rooms.state.running"), tone: "busy" };
  if (room.session) return { word: t("rooms.state.session"), tone: "busy" };
  if (room.ready) return { word: t("rooms.state.ready"), tone: "good" };
  const pulsers = (room.left ? 1 : 0) + (room.right ? 1 : 0);
  if (pulsers < 2) return { word: count("rooms.state.pulsers", pulsers), tone: "waits" };
  return { word: t(restOf(room) ? "rooms.state.rests" : "rooms.state.waits"), tone: "waits" };
}

function roomTile(name) {
  const colour = el("span", { class: "tile-colour" });
  const state = el("span", { class: "tile-state" });
  const link = el(
    "a",
    { class: "tile" },
    el("span", { class: "tile-band", "aria-hidden": "true" }),
    el("span", { class: "tile-name" }, name),
    state,
    colour,
  );
  return {
    box: el("li", {}, link),
    show(room) {
      const { word, tone } = stateOf(room);
      paint(link, room.colour);
      say(colour, colourName(room.colour));
      say(state, word);
      state.dataset.tone = tone;
      const isAtWork = room.session || (room.set && room.set.state !== "ended");
      mark(link, "href", `#/${isAtWork ? "work" : "ready"}/${encodeURIComponent(name)}`);
    },
  };
}

function newRoom() {
  const name = el("input", { type: "text", autocomplete: "off", maxlength: 40, required: true });
  const named = field(t("rooms.new.name"), name, { hint: t("rooms.new.hint") });
  const colour = colours(t("rooms.new.colour"), COLOURS[0][0]);
  const said = outcome();
  const send = button(t("rooms.new.make"), null, { tone: "main", type: "submit" });
  return el(
    "details",
    { class: "panel" },
    el("summary", {}, t("rooms.new.title")),
    form(
      () =>
        attempt(
          send,
          said,
          async () => {
            const chosen = name.value.trim();
            if (!chosen) return named.say(t("rooms.new.missing"));
            await api.post("/rooms", { name: chosen, colour: colour.value });
            name.value = "";
            said.say(t("rooms.new.done", { name: chosen }));
          },
          { name: named },
        ),
      named.box,
      colour.box,
      el("p", { class: "quiet" }, t("rooms.new.pair")),
      el("div", { class: "row" }, send),
      said.box,
    ),
  );
}

/** Six digits that another tablet shows, and a label by which the others know this one. */
function joinForm(app) {
  const digits = el("input", {
    type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 7, class: "digits",
  });
  const label = el("input", { type: "text", autocomplete: "off", maxlength: 40 });
  label.value = app.me?.role === "admin" ? "" : (app.me?.label ?? "");
  const coded = field(t("rooms.join.digits"), digits);
  const labelled = field(t("rooms.join.label"), label, { hint: t("rooms.join.label_hint") });
  const said = outcome();
  const send = button(t("rooms.join.send"), null, { tone: "main", type: "submit" });
  return el(
    "details",
    { class: "panel" },
    el("summary", {}, t("rooms.join.title")),
    el("p", {}, t("rooms.join.words")),
    form(
      () =>
        attempt(
          send,
          said,
          async () => {
            const code = digits.value.replace(/\s/g, "");
            if (!/^\d{6}$/.test(code)) return coded.say(t("rooms.join.six"));
            await api.post("/join", { digits: code, label: label.value.trim() || null });
            // Another token now: everything that was shown was for the old one.
            location.replace("/");
          },
          { digits: coded, label: labelled },
        ),
      coded.box,
      labelled.box,
      el("div", { class: "row" }, send),
      said.box,
    ),
  );
}
