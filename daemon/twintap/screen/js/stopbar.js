// The large stop on every view, and the red page when nothing has confirmed a stop.

import { button, el, fill, isClickOfPress, mark, say } from "./dom.js";
import { isOn } from "./stop.js";
import { t } from "./text.js";

/** Fills the bar and the cover. `press()` stops, `dismiss()` takes the cover away. */
export function makeStopBar(bar, cover, { press, dismiss }) {
  const stop = button("", { data: { testid: "stop" } });
  stop.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    press();
  });
  // Keys, and assistive technology, which press without a pointer.
  stop.addEventListener("click", () => isClickOfPress() || press());
  bar.append(stop);
  bar.setAttribute("role", "region");
  bar.setAttribute("aria-label", t("stop.stop"));

  const why = el("p");
  const again = button(t("stop.again"), { onclick: press, data: { testid: "stop-again" } });
  const away = button(t("stop.dismiss"), { class: "quiet", onclick: dismiss });
  fill(cover, el("h2", { text: t("stop.by_themselves") }), why, el("p", { text: t("stop.by_button") }), el("div", { class: "row" }, again, away));
  cover.setAttribute("role", "alert");

  /** Shows what is so: the room's set, how the stop stands, whether the view is itself a stop. */
  return function show(room, state, isSurface) {
    const isShown = !isSurface && (isOn(room?.set) || state.phase === "sent" || state.phase === "slow");
    if (bar.hidden === isShown) {
      bar.hidden = !isShown;
      document.documentElement.style.setProperty("--bar", isShown ? "calc(88px + env(safe-area-inset-bottom))" : "0px");
    }
    mark(bar, "data-phase", state.phase);
    say(stop, t(state.phase === "slow" || state.phase === "sent" ? "stop.stopping" : "stop.stop"));
    const isRed = state.phase === "red";
    if (cover.hidden === isRed) {
      cover.hidden = !isRed;
      if (isRed) again.focus({ preventScroll: true });
    }
    if (isRed) say(why, state.silent ?? t("stop.unanswered"));
  };
}
