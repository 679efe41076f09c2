/** `#/pulser/ID`: all of one pulser: how it is, its name, place, feel and networks, its sleep, and its end here. */
import { api, roomPath } from "./api.js";
import { el, fill, mark, put, say } from "./dom.js";
import { attempt, button, facts, field, form, outcome, paint, twice } from "./forms.js";
import { networksPanel } from "./networks.js";
import { placeChoice } from "./place.js";
import { batteryOf, canBuzz, lineOf, linkOf, powerOf, seenOf, trimOf } from "./pulserwords.js";
import { t } from "./text.js";
import { trimPanel } from "./trim.js";
import { count, number } from "./words.js";

export const styles = ["pages.css", "pulsers.css"];

export function mount(root, app, { id }) {
  const path = `/pulsers/${encodeURIComponent(id)}`;
  const isAdmin = app.me?.role === "admin";
  const said = outcome();
  const title = el("span");
  const head = el("h1", {}, el("span", { class: "swatch", "aria-hidden": "true" }), title);
  const where = el("p", { class: "quiet" });
  const waiting = el("p", { class: "waiting", role: "status" }, t("pulsers.asking"));
  const state = el("p", { class: "pulser-state", role: "status" });
  const known = el("div");
  const old = el("p", { class: "pulser-note", hidden: true }, t("pulsers.old"));
  const buzz = button(t("pulsers.buzz"), () => attempt(buzz, said, () => api.post(`${path}/identify`)), { tone: "tall" });
  const card = el("section", { class: "panel pulser", "aria-label": t("pulser.now") }, state, known, old, app.commands ? el("div", { class: "row" }, buzz) : null, said.box);
  const panels = el("div", { class: "pulser-panels" });
  const shown = el("div", { hidden: true }, card, panels);
  const main = el("main", { class: "page pulsers", id: "main" }, el("a", { class: "back", href: "#/pulsers" }, t("pulsers.title")), head, where, waiting, shown);
  put(root, main);

  let parts = null;
  let isGone = false;
  let key = "";

  function build(pulser) {
    parts = isAdmin ? [namePanel(path, pulser), movePanel(path, app, pulser), trimPanel(path, id), networksPanel(path), sleepPanel(path), endPanel(path, pulser, gone)] : [];
    fill(panels, parts.map((part) => part.box));
  }

  function gone() {
    isGone = true;
    app.toast(t("pulser.unpaired"));
    app.go("#/pulsers");
  }

  function update() {
    const rooms = app.live.rooms();
    const room = (rooms ?? []).find((one) => one.left?.id === id || one.right?.id === id);
    const pulser = room ? (room.left?.id === id ? room.left : room.right) : null;
    shown.hidden = !pulser;
    waiting.hidden = !!pulser || isGone;
    if (!pulser) {
      say(waiting, t(rooms === null ? "pulsers.asking" : "pulser.unknown"));
      say(title, t("pulsers.title"));
      say(where, "");
      return;
    }
    if (!parts) build(pulser);
    paint(main, room.colour);
    say(title, pulser.name);
    say(where, t("pulser.where", { room: room.name, hand: t(`pulsers.hand.${pulser.side}`) }));
    const line = lineOf(pulser, room);
    mark(card, "data-tone", line.tone);
    say(state, line.text);
    const pairs = factsOf(pulser);
    if (JSON.stringify(pairs) !== key) fill(known, facts(pairs, "broad"));
    key = JSON.stringify(pairs);
    old.hidden = !pulser.firmware_is_old;
    buzz.disabled = !canBuzz(pulser, room);
    for (const part of parts) part.show?.(pulser, room);
  }

  update();
  return {
    update,
    leave() {
      for (const part of parts ?? []) part.leave?.();
    },
  };
}

function factsOf(pulser) {
  const cause = pulser.boot_cause;
  return [
    [t("ready.pulser.battery"), batteryOf(pulser)],
    [t("pulsers.link"), linkOf(pulser)],
    [t("pulsers.power"), powerOf(pulser)],
    [t("pulsers.trim"), trimOf(pulser)],
    [t("pulser.ceiling"), pulser.ceiling_pct == null ? t("pulsers.unknown") : t("pulsers.pct", { pct: number(pulser.ceiling_pct, 0) })],
    [t("pulser.networks"), pulser.networks == null ? t("pulsers.unknown") : count("pulser.networks", pulser.networks)],
    [t("pulsers.firmware"), pulser.firmware ?? t("pulsers.unknown")],
    [t("ready.pulser.seen"), seenOf(pulser)],
    cause ? [t("pulser.boot"), t(`pulser.boot.${cause.replace("-", "_")}`)] : null,
    [t("pulser.id"), pulser.id],
  ].filter(Boolean);
}

const panel = (id, title, ...children) =>
  el("section", { class: "panel", "aria-labelledby": id }, el("h2", { id }, title), ...children);

function namePanel(path, pulser) {
  const input = el("input", { type: "text", maxlength: 40, autocomplete: "off", value: pulser.name });
  const named = field(t("pulser.name.label"), input);
  const said = outcome();
  const send = button(t("settings.save"), null, { type: "submit" });
  const save = () =>
    attempt(send, said, async () => {
      const name = input.value.trim();
      if (!name) return named.say(t("pulser.name.missing"));
      await api.patch(path, { name });
      said.say(t("pulser.name.done", { name }));
      return undefined;
    }, { name: named });
  return {
    box: panel("name", t("pulser.name.title"), el("p", {}, t("pulser.name.words")), form(save, named.box, el("div", { class: "row" }, send), said.box)),
  };
}

function movePanel(path, app, pulser) {
  const said = outcome();
  const held = el("div");
  const send = button(t("pulser.move.go"), null, { type: "submit" });
  let place = null;
  let key = "";
  let now = pulser;
  const save = () =>
    attempt(send, said, async () => {
      if (!place.ready()) return;
      const { room, side, colour } = place;
      await api.patch(path, { room, side });
      if (colour) await api.patch(roomPath(room), { colour });
      said.say(t("pulser.move.done", { room, hand: t(`pulsers.hand.${side}`) }));
    }, place?.fields);
  const taken = (other, room) =>
    room === now.room
      ? { text: t("place.swap", { name: other.name }), isFree: true }
      : { text: t("place.taken", { name: other.name }), isFree: false };
  return {
    box: panel("move", t("pulser.move.title"), el("p", {}, t("pulser.move.words")), form(save, held, el("div", { class: "row" }, send), said.box)),
    show(next) {
      now = next;
      // Built anew only when somebody has moved: a choice that is being made is not taken away.
      const rooms = app.live.rooms() ?? [];
      const seen = JSON.stringify(rooms.map((one) => [one.name, one.colour, one.left?.id, one.right?.id]));
      if (seen === key) return;
      key = seen;
      place = placeChoice({ rooms, room: next.room, side: next.side, own: next, taken });
      fill(held, place.box);
    },
  };
}

function sleepPanel(path) {
  const said = outcome();
  const go = button(t("pulser.sleep.go"), () =>
    attempt(go, said, async () => {
      await api.post(`${path}/sleep`);
      said.say(t("pulser.sleep.done"));
    }));
  return {
    box: panel("sleep", t("pulser.sleep.title"), el("p", {}, t("pulser.sleep.words")), el("div", { class: "row" }, go), said.box),
    show(pulser, room) {
      go.disabled = !canBuzz(pulser, room) || pulser.power === "asleep";
    },
  };
}

function endPanel(path, pulser, gone) {
  const said = outcome();
  const end = twice(t("pulser.unpair.go"), t("pulser.unpair.again"), (control) =>
    attempt(control, said, async () => {
      await api.del(path);
      gone();
    }), { tone: "danger", "aria-describedby": "unpair-words" });
  return {
    box: panel("end", t("pulser.end.title"),
      el("p", {}, t("pulser.replace.words")),
      el("div", { class: "row" }, el("a", { class: "button", href: `#/replace/${pulser.id}` }, t("pulser.replace.go"))),
      el("h3", {}, t("pulser.unpair.title")),
      el("p", { id: "unpair-words" }, t("pulser.unpair.words")),
      el("div", { class: "row" }, end),
      said.box),
  };
}
