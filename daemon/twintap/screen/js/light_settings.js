// How the light looks and the tones sound: kept by this browser, for this device, and never with a client.

import { button, el, fill, svg } from "./dom.js";
import { t } from "./text.js";
import { TIMBRES } from "./light_tones.js";

const KEPT_AS = "twintap.light";

/** Each colour on a dark ground, and on the light one. */
export const COLOURS = {
  green: { dark: "#8fd5c7", light: "#0b6155" },
  white: { dark: "#ffffff", light: "#1b2127" },
  blue: { dark: "#8abfff", light: "#1c4f9c" },
  amber: { dark: "#ffc96b", light: "#7a4b00" },
  rose: { dark: "#ffa8c5", light: "#94275a" },
  violet: { dark: "#c9b1ff", light: "#54349c" },
};
export const GROUNDS = { black: "#000000", grey: "#1b1f23", blue: "#0a1526", light: "#f3f1ea" };
export const FIGURES = ["auto", "dot", "bars", "none"];

const STEPS = {
  brightness: { low: 10, high: 100, by: 10, unit: "percent" },
  size: { low: 4, high: 16, by: 2, unit: "percent" },
  travel: { low: 30, high: 100, by: 10, unit: "percent" },
  volume: { low: 5, high: 100, by: 5, unit: "percent" },
  trim_ms: { low: -300, high: 300, by: 10, unit: "ms" },
};
const CHOICES = {
  figure: FIGURES, colour: Object.keys(COLOURS), ground: Object.keys(GROUNDS), timbre: Object.keys(TIMBRES),
};
// Sound is not among what is kept: it is off until somebody here has chosen it.
const DEFAULTS = {
  figure: "auto", colour: "green", ground: "black", brightness: 70, size: 10, travel: 80,
  timbre: "soft", volume: 40, trim_ms: 0,
};

/** The settings as they were kept; whatever is not one of ours is left out. */
export function readSettings(storage) {
  const settings = { ...DEFAULTS };
  let kept = {};
  try {
    kept = JSON.parse(storage?.getItem(KEPT_AS) ?? "{}") ?? {};
  } catch {
    return settings; // spoilt by somebody else: the defaults are as good
  }
  for (const [name, values] of Object.entries(CHOICES)) {
    if (values.includes(kept[name])) settings[name] = kept[name];
  }
  for (const [name, { low, high }] of Object.entries(STEPS)) {
    if (Number.isFinite(kept[name])) settings[name] = Math.min(high, Math.max(low, Math.round(kept[name])));
  }
  return settings;
}

/** Keeps them. Gives whether the browser let us: a private window may not. */
export function keepSettings(storage, settings) {
  try {
    storage?.setItem(KEPT_AS, JSON.stringify(settings));
    return Boolean(storage);
  } catch {
    return false;
  }
}

/** This browser's storage, or null where it allows none. */
export function storageHere() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/**
 * The panel. `on`: `change(name, value)`, `sound()` (switch the tones), `hear(side)`, `close()`.
 * `update(facts)` shows what has changed: `{ isOn, isHeard, latencyMs, why, hasWakeLock, clockUs }`.
 */
export function makePanel(settings, on) {
  const soundButton = button("", { class: "main", data: { testid: "sound" }, on: { click: () => on.sound() } });
  const hasSound = "AudioContext" in window && "StereoPannerNode" in window;
  const soundSaid = el("p", { role: "status" });
  const figureSaid = el("p", { data: { testid: "why" }, role: "status" });
  const clockSaid = el("p", {});
  const awakeSaid = el("p", {});
  const hear = ["left", "right"].map((side) => button(t(`light.hear_${side}`), { on: { click: () => on.hear(side) } }));
  const closing = button(t("light.close"), { data: { testid: "close" }, on: { click: () => on.close() } });
  const label = t("light.settings");
  const panel = el("section", { class: "panel", hidden: true, "aria-label": label, data: { testid: "settings" } },
    el("div", { class: "head" }, el("h1", { text: t("light.settings") }), closing),
    el("h2", { text: t("light.heading_light") }),
    choices("figure"),
    figureSaid,
    choices("colour", (name) => el("i", { class: "swatch", style: { "--swatch": COLOURS[name].dark } })),
    choices("ground", (name) => el("i", { class: "swatch", style: { "--swatch": GROUNDS[name] } })),
    stepper("brightness"),
    stepper("size"),
    stepper("travel"),
    el("h2", { text: t("light.heading_sound") }),
    hasSound ? soundButton : el("p", { text: t("light.no_sound") }),
    soundSaid,
    choices("timbre"),
    stepper("volume"),
    el("div", { class: "row" }, hear),
    el("h2", { text: t("light.heading_trim") }),
    stepper("trim_ms"),
    el("p", { text: t("light.trim_help") }),
    el("h2", { text: t("light.heading_device") }),
    clockSaid,
    awakeSaid,
  );

  function choices(name, picture) {
    const options = CHOICES[name].map((value) => {
      const input = el("input", {
        type: "radio", name, value, checked: settings[name] === value,
        on: { change: () => on.change(name, value) },
      });
      return el("label", { class: "choice" }, input, el("span", {}, picture?.(value), t(`light.${name}_${value}`)));
    });
    return el("fieldset", {}, el("legend", { text: t(`light.${name}`) }), el("div", { class: "row" }, options));
  }

  function stepper(name) {
    const { low, high, by, unit } = STEPS[name];
    const label = t(`light.${name}`);
    const output = el("output", { "aria-live": "polite" });
    const less = button("−", { "aria-label": t("light.less", { what: label }) });
    const more = button("+", { "aria-label": t("light.more", { what: label }) });
    const show = () => {
      const sign = unit === "ms" && settings[name] > 0 ? "+" : "";
      output.textContent = t(`light.unit_${unit}`, { n: `${sign}${settings[name]}` });
    };
    const move = (step) => {
      on.change(name, Math.min(high, Math.max(low, settings[name] + step)));
      show();
    };
    less.addEventListener("click", () => move(-by));
    more.addEventListener("click", () => move(by));
    show();
    return el("div", { class: "step", role: "group", "aria-label": label, data: { testid: name } },
      el("span", { class: "name", text: label }), less, output, more);
  }

  function update({ isOn, isHeard, latencyMs, why, hasWakeLock, boundUs }) {
    fill(soundButton, t(isOn ? "light.sound_off" : "light.sound_on"));
    soundButton.setAttribute("aria-pressed", String(isOn));
    for (const one of hear) one.disabled = !isHeard;
    let said = hasSound ? t("light.sound_is_off") : "";
    if (isOn && !isHeard) said = t("light.sound_taken");
    else if (isOn) said = latencyMs === null ? "" : t("light.sound_latency", { ms: Math.round(latencyMs) });
    say(soundSaid, said);
    say(figureSaid, why ? t(`light.why_${why}`) : "");
    const isKnown = Number.isFinite(boundUs);
    say(clockSaid, isKnown ? t("light.clock", { ms: (boundUs / 1000).toFixed(1) }) : t("light.clock_unknown"));
    say(awakeSaid, t(hasWakeLock ? "light.awake" : "light.not_awake"));
  }

  return { panel, update, focus: () => closing.focus() };
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const PICTURES = {
  settings: ["M4 8h9", "M19 8h1", "M4 16h1", "M11 16h9", "M16 5.5a2.5 2.5 0 1 0 .01 0", "M8 13.5a2.5 2.5 0 1 0 .01 0"],
  full: ["M4 9V4h5", "M15 4h5v5", "M20 15v5h-5", "M9 20H4v-5"],
  stop: ["M6 6h12v12H6z"],
};

/** A drawing for a button without words. */
export function picture(name) {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, PICTURES[name].map((d) => svg("path", { d })));
}
