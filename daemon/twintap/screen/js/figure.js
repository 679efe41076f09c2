/** The client, drawn as they sit before you; and how the two of you sit, which this browser remembers. */
import { el, svg } from "./dom.js";
import { pref } from "./prefs.js";

/** How the two sit: `facing` or `beside`. Where the client's left is on the screen depends on it. */
export const seat = () => (pref("seat", "facing") === "beside" ? "beside" : "facing");

/** The sides in the order in which they are drawn and read, as the two sit. */
export const sidesAsSeen = (how = seat()) => (how === "facing" ? ["right", "left"] : ["left", "right"]);

/** A figure that reaches out to what is beside it; in a box with `data-seat` beside it shows its back. */
export function figure() {
  const made = svg(
    "svg",
    { viewBox: "0 0 120 150", class: "figure", "aria-hidden": "true", focusable: "false" },
    svg("circle", { cx: 60, cy: 26, r: 20, class: "figure-line" }),
    // Shoulders, a body, and two arms that reach out to the cards.
    svg("path", { d: "M38 128 L38 84 C38 66 46 58 60 58 C74 58 82 66 82 84 L82 128", class: "figure-line" }),
    svg("path", { d: "M40 72 C26 78 18 90 10 104", class: "figure-line" }),
    svg("path", { d: "M80 72 C94 78 102 90 110 104", class: "figure-line" }),
    svg("circle", { cx: 6, cy: 112, r: 11, class: "figure-hand" }),
    svg("circle", { cx: 114, cy: 112, r: 11, class: "figure-hand" }),
    // Eyes and a mouth on the face side only: the figure looks at you.
    svg("circle", { cx: 53, cy: 24, r: 2, class: "figure-face" }),
    svg("circle", { cx: 67, cy: 24, r: 2, class: "figure-face" }),
    svg("path", { d: "M53 33 Q60 38 67 33", class: "figure-line thin" }),
  );
  return el("div", { class: "figure-box" }, made);
}
