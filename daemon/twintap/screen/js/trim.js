/** The motor's trim: so that two motors feel the same. It lies on the pulser, and is felt by a buzz. */
import { api } from "./api.js";
import { el, say } from "./dom.js";
import { attempt, button, outcome } from "./forms.js";
import { canBuzz } from "./pulserwords.js";
import { t } from "./text.js";
import { number } from "./words.js";

const MIN_PCT = 25;
const MAX_PCT = 100;
const STEP_PCT = 1;
const BUZZ_MS = 1400; // a buzz of at most a second, and a pause in which it is told from the next

/** The panel of the pulser `id` at `path`. Gives {box, show(pulser, room), leave()}. */
export function trimPanel(path, id) {
  const said = outcome();
  const slider = el("input", { type: "range", min: MIN_PCT, max: MAX_PCT, step: STEP_PCT, id: "trim-level", "aria-describedby": "trim-words" });
  slider.value = String(MAX_PCT);
  const shown = el("output", { class: "level", for: "trim-level" });
  const less = button("−", () => step(-STEP_PCT), { tone: "notch", "aria-label": t("trim.less") });
  const more = button("+", () => step(STEP_PCT), { tone: "notch", "aria-label": t("trim.more") });
  const save = button(t("trim.keep"), () => attempt(save, said, keep), { tone: "tall" });
  const both = button(t("trim.both"), () => attempt(both, said, compare), { tone: "tall" });
  let twin = null;
  let kept = null; // what the pulser has, as far as it says
  let timer = 0;
  let isTouched = false;

  const draw = () => {
    say(shown, t("pulsers.pct", { pct: number(Number(slider.value), 0) }));
    save.disabled = slider.disabled || (kept !== null && Number(slider.value) === kept);
  };

  function step(by) {
    slider.value = String(Number(slider.value) + by);
    isTouched = true;
    draw();
  }
  slider.addEventListener("input", () => {
    isTouched = true;
    draw();
  });

  async function keep() {
    const pct = Number(slider.value);
    await api.patch(path, { trim_pct: pct });
    kept = pct;
    isTouched = false;
    draw();
    said.say(t("trim.done"));
  }

  // One after the other: side by side they could not be compared.
  async function compare() {
    const other = twin;
    if (Number(slider.value) !== kept) await keep();
    said.say(t("trim.this"));
    await api.post(`/pulsers/${id}/identify`);
    await new Promise((done) => {
      timer = setTimeout(done, BUZZ_MS);
    });
    said.say(t("trim.other", { name: other.name }));
    await api.post(`/pulsers/${other.id}/identify`);
  }

  return {
    box: el(
      "section",
      { class: "panel", "aria-labelledby": "trim" },
      el("h2", { id: "trim" }, t("trim.title")),
      el("p", { id: "trim-words" }, t("trim.words")),
      el("div", { class: "dial", role: "group", "aria-label": t("pulsers.trim") }, el("label", { class: "dial-name", for: "trim-level" }, t("pulsers.trim")), less, shown, more),
      slider,
      el("div", { class: "row trim-acts" }, save, both),
      said.box,
    ),
    show(pulser, room) {
      twin = room[pulser.side === "left" ? "right" : "left"];
      kept = pulser.trim_pct == null ? null : Math.round(pulser.trim_pct);
      const isFree = canBuzz(pulser, room);
      for (const one of [slider, less, more]) one.disabled = !isFree;
      if (!isTouched && kept !== null && Number(slider.value) !== kept) slider.value = String(kept);
      draw();
      both.disabled = !isFree || !twin || !canBuzz(twin, room);
    },
    leave: () => clearTimeout(timer),
  };
}
