/** A try-out: a few passes without a visit, to find what each hand feels well. */
import { api } from "./api.js";
import { el } from "./dom.js";
import { attempt, button, outcome } from "./forms.js";
import { t } from "./text.js";
import { count, number } from "./words.js";

const PASSES = 6;
const RATE_HZ = 0.8;
const FIRST_PCT = 30;
const STEP_PCT = 5;

/** Gives {box, show(room), kept}: `kept` is {left_pct, right_pct} once a level was chosen here, else null. */
export function tryOut(path) {
  const said = outcome();
  const levels = { left: FIRST_PCT, right: FIRST_PCT };
  let isChosen = false;
  let view = null;
  const shown = {};
  const start = button(t("ready.try.start", { n: PASSES }), run, { tone: "tall" });
  const progress = el("p", { class: "quiet", role: "status" });

  const stepper = (side) => {
    const name = t(`ready.side.${side}`);
    shown[side] = el("output", { class: "level" }, level(side));
    const step = (by) => async () => {
      levels[side] = Math.max(0, Math.min(100, levels[side] + by));
      isChosen = true;
      shown[side].textContent = level(side);
      if (isRunning())
        await attempt(shown[side], said, () => api.post(`${path}/set/change`, { [`${side}_pct`]: levels[side] }));
    };
    return el(
      "div",
      { class: "dial", role: "group", "aria-label": t("ready.try.level", { side: name }), "data-side": side },
      el("span", { class: "dial-name" }, name),
      button("−", step(-STEP_PCT), { tone: "notch", "aria-label": t("ready.try.less", { side: name }) }),
      shown[side],
      button("+", step(STEP_PCT), { tone: "notch", "aria-label": t("ready.try.more", { side: name }) }),
    );
  };
  const level = (side) => t("ready.try.pct", { pct: number(levels[side], 0) });
  const isRunning = () => !!view?.set && view.set.state !== "ended";

  async function run() {
    await attempt(start, said, async () => {
      // A touch means what the button showed.
      if (start.dataset.does === "stop") {
        await api.post(`${path}/set/stop`);
        return;
      }
      await api.post(`${path}/set/start`, {
        rate_hz: RATE_HZ, passes: PASSES, left_pct: levels.left, right_pct: levels.right, ramp_ms: 1000,
        revision: view.revision,
      });
    });
  }

  const box = el(
    "details",
    { class: "panel tryout" },
    el("summary", {}, t("ready.try.title")),
    el("p", {}, t("ready.try.words")),
    el("div", { class: "dials" }, stepper("right"), stepper("left")),
    el("div", { class: "row" }, start, progress),
    said.box,
  );

  return {
    box,
    get kept() {
      return isChosen ? { left_pct: levels.left, right_pct: levels.right } : null;
    },
    show(next) {
      view = next;
      const on = isRunning();
      start.dataset.does = on ? "stop" : "start";
      start.classList.toggle("danger", on);
      const label = on ? t("ready.try.stop") : t("ready.try.start", { n: PASSES });
      if (start.textContent !== label) start.textContent = label;
      start.disabled = !on && !view.ready;
      progress.textContent = on && view.set.pacing.passes ? count("ready.try.done", view.set.passes_done) : "";
    },
  };
}
