// What the light is made of: a dot that crosses, or a bar at each side that lights with its pulse.

import { el } from "./dom.js";
import { mayFlash } from "./beat.js";

const FADE_US = 200e3;
const FRAME_US = 1e6 / 60;
const GAP_MOST_US = 100e3; // a page that was held up fades no faster for it

/**
 * Which figure is shown, and why it is another than was chosen. `chosen`: auto, dot, bars or none.
 *
 * Two bars lit in turn flash twice a pass: faster than a screen may flash, the dot is in their place (it is
 * small, and no flash). Where the device asks for less motion nothing crosses unless the dot was chosen.
 */
export function figureFor(chosen, periodUs, lessMotion) {
  if (chosen === "none" || chosen === "dot") return { figure: chosen, why: null };
  if (chosen === "bars") {
    if (mayFlash(periodUs)) return { figure: "bars", why: null };
    return lessMotion ? { figure: "still", why: "still" } : { figure: "dot", why: "fast" };
  }
  if (!lessMotion) return { figure: "dot", why: null };
  return mayFlash(periodUs) ? { figure: "bars", why: "motion" } : { figure: "still", why: "still" };
}

/** Draws; the caller says what and when. */
export class Figure {
  constructor() {
    this.dot = el("div", { class: "dot", "aria-hidden": "true" });
    this.left = el("div", { class: "bar left", "aria-hidden": "true" });
    this.right = el("div", { class: "bar right", "aria-hidden": "true" });
    this.box = el("div", { class: "figure", data: { testid: "figure" } }, this.left, this.right, this.dot);
    this.glow = { dot: 0, bars: 0, still: 0 };
    this.brightness = 1;
    this.place = -1;
    this.lastUs = null;
    this.deltas = [];
    this.reachPx = 0;
    this.travel = 0.8;
    new ResizeObserver(() => this.measure()).observe(this.box);
  }

  /** `colour`, `brightness` (0..1), `size` (vmin), `travel` (0..1 of the width that there is). */
  dress({ colour, brightness, size, travel }) {
    this.box.style.setProperty("--light", colour);
    this.box.style.setProperty("--size", `${size}vmin`);
    this.brightness = brightness;
    this.travel = travel;
    this.measure();
  }

  measure() {
    const width = this.box.clientWidth;
    this.reachPx = (Math.max(0, width - this.dot.offsetWidth) / 2) * this.travel;
  }

  /** How long a frame lasts on this display, in µs: the middle of the latest. */
  get frameUs() {
    if (this.deltas.length < 5) return FRAME_US;
    const sorted = [...this.deltas].sort((one, two) => one - two);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** Begins the frame of `nowUs`; gives when it will be seen: one frame later. */
  begin(nowUs) {
    const delta = this.lastUs === null ? this.frameUs : nowUs - this.lastUs;
    if (delta > 0 && delta < GAP_MOST_US) {
      this.deltas.push(delta);
      if (this.deltas.length > 31) this.deltas.shift();
    }
    this.passedUs = Math.min(GAP_MOST_US, Math.max(0, delta));
    this.lastUs = nowUs;
    return nowUs + this.frameUs;
  }

  /** Draws `line` as it is at `atUs`. `figure`: dot, bars, still, or none to let all of it fade where it is. */
  show(line, atUs, figure) {
    const step = this.passedUs / FADE_US;
    for (const one of Object.keys(this.glow)) {
      const change = one === figure ? step : -step;
      this.glow[one] = Math.min(1, Math.max(0, this.glow[one] + change));
    }
    if (figure !== "none") {
      this.place = line.place(atUs) ?? this.place;
      this.lit = [line.lit(atUs, "left"), line.lit(atUs, "right")];
    }
    const { dot, bars, still } = this.glow;
    this.dot.style.transform = `translate3d(${(this.place * this.reachPx).toFixed(2)}px, 0, 0)`;
    this.dot.style.opacity = (dot * this.brightness).toFixed(3);
    [this.left, this.right].forEach((bar, side) => {
      const lit = bars * (0.1 + 0.9 * (this.lit?.[side] ?? 0)) + still * 0.4;
      bar.style.opacity = (Math.min(1, lit) * this.brightness).toFixed(3);
    });
  }

  /** Whether there is anything of it to be seen. */
  get isSeen() {
    return Object.values(this.glow).some((glow) => glow > 0);
  }

  /** The next frame comes after a pause: its distance from the last says nothing. */
  rest() {
    this.lastUs = null;
  }
}
