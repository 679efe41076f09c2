/** Where a pulser belongs: the room, an existing one or a new one with its colour, and the client's side. */
import { el, fill, mark, say } from "./dom.js";
import { figure, seat, sidesAsSeen } from "./figure.js";
import { choice, colours, COLOURS, field, paint } from "./forms.js";
import { t } from "./text.js";

const NEW = ""; // no room has this name

/**
 * The choice of a place. `rooms`: the views of all rooms; `room`, `side`, `hue`: chosen before, `hue` for a new
 * room (null: none).
 * `own`: the pulser that is to go there, if it has a place already. `taken(other, room)`: what it means that
 * another pulser is there, as {text, isFree, way}; `way`: {href, text} of what can be done about it.
 * Gives {box, room, side, colour, fields, ready()}. A new room is there once a pulser is in it; `colour`: what
 * it shall have then (null: the room is there already, with its own). `ready()`: whether a place was chosen;
 * what is missing is said.
 */
export function placeChoice({ rooms, room = null, side = null, hue = null, own = null, taken }) {
  const first = rooms.some((one) => one.name === room) ? room : rooms.length === 1 && !room ? rooms[0].name : null;
  const name = el("input", { type: "text", autocomplete: "off", maxlength: 40 });
  if (room && first === null) name.value = room;
  const named = field(t("rooms.new.name"), name, { hint: t("rooms.new.hint") });
  const used = new Set(rooms.map((one) => one.colour));
  const colour = colours(t("rooms.new.colour"), hue ?? (COLOURS.find(([value]) => !used.has(value)) ?? COLOURS[0])[0], () => changed());
  const fresh = el("div", { class: "new-room" }, named.box, colour.box);
  const options = rooms.map((one) => ({ value: one.name, label: one.name }));
  options.push({ value: NEW, label: t("place.new_room") });
  const roomed = choice(t("place.room"), options, first ?? (room || rooms.length === 0 ? NEW : null), changed);
  roomed.box.classList.add("rooms-choice");
  roomed.box.querySelectorAll("label").forEach((label, i) => i < rooms.length && paint(label, rooms[i].colour));
  const sided = sideChoice(side, changed);
  const note = el("p", { class: "pulser-note", role: "status", hidden: true });
  const wrong = el("p", { class: "field-wrong", role: "alert", hidden: true });

  /** Who is in the chosen place, or null. */
  function other() {
    const view = rooms.find((one) => one.name === roomed.value);
    const there = view && sided.value ? view[sided.value] : null;
    return there && there.id !== own?.id ? there : null;
  }

  const meant = () => (other() ? taken(other(), roomed.value) : { text: "", isFree: true });

  function changed() {
    fresh.hidden = roomed.value !== NEW;
    const { text, way } = meant();
    fill(note, text, way ? [" ", el("a", { href: way.href }, way.text)] : null);
    note.hidden = !text;
    miss("");
    const view = rooms.find((one) => one.name === roomed.value);
    sided.tell((one) => {
      if (!view) return "";
      if (own && view[one]?.id === own.id) return t("place.here");
      return view[one]?.name ?? t("place.free");
    });
    paint(box, view?.colour ?? colour.value);
  }

  function miss(text, focus) {
    say(wrong, text);
    wrong.hidden = !text;
    focus?.focus();
    return !text;
  }

  const box = el("div", { class: "place" }, roomed.box, fresh, sided.box, note, wrong);
  changed();

  return {
    box,
    get room() {
      return roomed.value === NEW ? name.value.trim() : roomed.value;
    },
    get side() {
      return sided.value;
    },
    get colour() {
      return roomed.value === NEW ? colour.value : null;
    },
    ready() {
      named.say("");
      if (roomed.value === null) return miss(t("place.room_missing"), roomed.box.querySelector("input"));
      if (roomed.value === NEW && !name.value.trim()) {
        named.say(t("rooms.new.missing"));
        name.focus();
        return false;
      }
      if (roomed.value === NEW && rooms.some((one) => one.name === name.value.trim())) {
        named.say(t("place.room_there"));
        name.focus();
        return false;
      }
      if (!sided.value) return miss(t("place.side_missing"), sided.box.querySelector("input"));
      if (!meant().isFree) return miss(t("place.not_free"), sided.box.querySelector("input:checked"));
      miss("");
      return true;
    },
    fields: { room: named },
  };
}

/** The client's left or right, drawn as they sit before you. Gives {box, value, tell(words of a side)}. */
export function sideChoice(value, changed) {
  const words = Object.fromEntries(["left", "right"].map((side) => [side, el("small")]));
  const made = choice(
    t("place.side"),
    sidesAsSeen().map((side) => ({ value: side, label: t(`ready.hand.${side}`) })),
    value,
    changed,
  );
  const tiles = made.box.querySelector(".choice-options");
  const [, two] = tiles.children;
  sidesAsSeen().forEach((side, i) => {
    const tile = tiles.children[i];
    mark(tile, "data-side", side);
    tile.querySelector("span").append(words[side]);
  });
  tiles.classList.add("sides");
  tiles.dataset.seat = seat();
  tiles.insertBefore(figure(), two);
  return {
    box: el("div", {}, made.box, el("p", { class: "field-hint" }, t(`ready.seat.${seat()}`))),
    get value() {
      return made.value;
    },
    tell(of) {
      for (const side of ["left", "right"]) say(words[side], of(side));
    },
  };
}
