/** The third stage: the room and the side; and, for whoever wants it, a name and the level limit. */
import { el, say } from "./dom.js";
import { button, field, form } from "./forms.js";
import { placeChoice } from "./place.js";
import { t } from "./text.js";
import { number } from "./words.js";

const LIMIT_MIN_PCT = 10;
const LIMIT_MAX_PCT = 100;
const LIMIT_STEP_PCT = 5;

export function placeStage(state, { next }) {
  const place = placeChoice({
    rooms: [...(state.app.live.rooms() ?? [])].sort((one, two) => one.name.localeCompare(two.name)),
    room: state.room,
    side: state.side,
    hue: state.colour,
    own: { id: state.found.id },
    taken: (other) => ({
      text: t("place.taken_add", { name: other.name }),
      isFree: false,
      way: { href: `#/replace/${other.id}`, text: t("place.replace", { name: other.name }) },
    }),
  });
  const name = el("input", { type: "text", maxlength: 40, autocomplete: "off", value: state.name });
  const named = field(t("pulser.name.label"), name, { hint: t("add.place.name_hint") });
  const limit = el("input", { type: "range", min: LIMIT_MIN_PCT, max: LIMIT_MAX_PCT, step: LIMIT_STEP_PCT });
  limit.value = String(state.ceilingPct);
  const limited = field(t("pulser.ceiling"), limit, { hint: t("add.place.limit_hint") });
  const shown = el("output", { class: "level limit" });
  const draw = () => say(shown, t("pulsers.pct", { pct: number(Number(limit.value), 0) }));
  limit.addEventListener("input", draw);
  limited.box.querySelector("label").append(" ", shown);
  draw();
  const send = button(t("add.place.go"), null, { tone: "main", type: "submit" });

  function submit() {
    if (!place.ready()) return;
    const { room, side, colour } = place;
    Object.assign(state, { room, side, colour, name: name.value.trim(), ceilingPct: Number(limit.value) });
    next();
  }

  return {
    box: form(submit, el("p", {}, t("add.place.words")), place.box,
      el("details", { class: "more" }, el("summary", {}, t("add.place.more")), named.box, limited.box),
      el("div", { class: "row" }, send)),
  };
}
