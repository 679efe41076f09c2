/** Small plots as SVG: lines over time with bars beneath, told in words too; a table stands beside each. */
import { el, svg } from "./dom.js";

// Drawn about as wide as it is shown, so that its letters are as large as those around it.
const WIDEST = 1120;
const NARROWEST = 330;
const MARGINS = 90;
const PAD = { left: 44, right: 44, top: 16, bottom: 34 };

/**
 * A plot of `series` over `xs`.
 *
 * `xs`: [{at (a number, ascending), label}]; `series`: [{name, low, high, axis: "left"|"right", mark: "disc"|
 * "square", points: [{at, value, title}]}]; `bars`: [{at, until, height (0..1), title}], called `barsName`; `title`, `summary`:
 * what it shows, in words, for those who do not see it.
 */
export function plot({ xs, series, bars = [], barsName = "", title, summary, height = 300 }) {
  const W = Math.min(WIDEST, Math.max(NARROWEST, window.innerWidth - MARGINS));
  const barsHeight = bars.length ? 46 : 0;
  const bottom = height - PAD.bottom;
  const linesBottom = bottom - barsHeight - (barsHeight ? 14 : 0);
  const ats = [...xs.map((x) => x.at), ...bars.flatMap((bar) => [bar.at, bar.until])];
  const first = Math.min(...ats);
  const last = Math.max(...ats);
  const span = last - first || 1;
  const x = (at) =>
    last === first ? W / 2 : PAD.left + 14 + ((at - first) / span) * (W - PAD.left - PAD.right - 28);
  const y = (value, one) => linesBottom - ((value - one.low) / (one.high - one.low)) * (linesBottom - PAD.top);
  const id = `plot-${Math.random().toString(36).slice(2, 8)}`;
  const box = svg(
    "svg",
    { viewBox: `0 0 ${W} ${height}`, class: "plot", role: "img", "aria-labelledby": `${id}-t ${id}-d` },
    svg("title", { id: `${id}-t` }, title),
    svg("desc", { id: `${id}-d` }, summary),
  );
  for (const one of series) {
    const edge = one.axis === "right" ? W - PAD.right + 8 : PAD.left - 8;
    const anchor = one.axis === "right" ? "start" : "end";
    for (const value of ticks(one)) {
      if (one.axis !== "right")
        box.append(svg("line", { x1: PAD.left, x2: W - PAD.right, y1: y(value, one), y2: y(value, one), class: "plot-grid" }));
      box.append(svg("text", { x: edge, y: y(value, one) + 5, "text-anchor": anchor, class: `plot-tick plot-${one.mark}` }, String(value)));
    }
  }
  for (const bar of bars) {
    const tall = Math.max(4, bar.height * barsHeight);
    const left = x(bar.at);
    const one = svg("rect", { x: left, y: bottom - tall, width: Math.max(3, x(bar.until) - left), height: tall, class: "plot-bar" });
    one.append(svg("title", {}, bar.title));
    box.append(one);
  }
  box.append(svg("line", { x1: PAD.left, x2: W - PAD.right, y1: bottom, y2: bottom, class: "plot-axis" }));
  for (const { at, label } of thinned(xs, x))
    box.append(svg("text", { x: x(at), y: height - 12, "text-anchor": "middle", class: "plot-tick" }, label));
  for (const one of series) {
    const path = one.points.map((point, i) => `${i ? "L" : "M"}${x(point.at).toFixed(1)} ${y(point.value, one).toFixed(1)}`);
    box.append(svg("path", { d: path.join(" "), class: `plot-line plot-${one.mark}` }));
    for (const point of one.points) box.append(dot(x(point.at), y(point.value, one), one.mark, point.title));
  }
  const legend = el(
    "ul",
    { class: "legend", "aria-hidden": "true" },
    ...series.map((one) => el("li", { class: `plot-${one.mark}` }, one.name)),
    bars.length ? el("li", { class: "plot-bars" }, barsName) : null,
  );
  return el("figure", { class: "plot-box" }, legend, box);
}

function dot(cx, cy, mark, title) {
  const shape =
    mark === "square"
      ? svg("rect", { x: cx - 6, y: cy - 6, width: 12, height: 12 })
      : svg("circle", { cx, cy, r: 7 });
  shape.setAttribute("class", `plot-dot plot-${mark}`);
  shape.append(svg("title", {}, title));
  return shape;
}

function ticks(one) {
  const step = one.high - one.low > 7 ? 2 : 1;
  const found = [];
  for (let value = one.low; value <= one.high; value += step) found.push(value);
  return found;
}

/** As many labels as there is room for, never one upon the other. */
function thinned(xs, x) {
  const shown = [];
  let free = -Infinity;
  for (const one of xs) {
    const half = one.label.length * 4.2 + 6;
    if (x(one.at) - half < free || one.label === shown.at(-1)?.label) continue;
    shown.push(one);
    free = x(one.at) + half;
  }
  return shown;
}
