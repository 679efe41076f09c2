/** What values are called on the screen: times of day, pacings, batteries, clients' kinds of visit. */
import { has, t, tn as count } from "./text.js";

export { count };

const DAY = { year: "numeric", month: "long", day: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };

// Dates as this device's owner writes them, in the language that the page speaks.
const LOCALE = (navigator.languages ?? []).find((tag) => tag.startsWith("en")) ?? "en-GB";

/** `iso` (RFC 3339) as a date in words; `zone`: an IANA name, else this device's own. */
export const day = (iso, zone) => format(iso, DAY, zone);

/** `iso` as a short date, for the edge of a plot. */
export const shortDay = (iso, zone) => format(iso, { year: "2-digit", month: "short", day: "numeric" }, zone);

/** `iso` as hours and minutes. */
export const clock = (iso, zone) => format(iso, CLOCK, zone);

/** `iso` as a date and a time of day. */
export const moment = (iso, zone) => format(iso, { ...DAY, ...CLOCK }, zone);

function format(iso, parts, zone) {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) return "–";
  try {
    return new Intl.DateTimeFormat(LOCALE, zone ? { ...parts, timeZone: zone } : parts).format(when);
  } catch (error) {
    // A zone that this browser does not know: its own is said by the page to be used then.
    if (error instanceof RangeError) return new Intl.DateTimeFormat(LOCALE, parts).format(when);
    throw error;
  }
}

/** A number as a person writes it, with at most `digits` places. */
export const number = (value, digits = 1) =>
  new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits }).format(value);

/** A pacing in one line: rate, passes, levels, pulse, ramp; only what is in it. */
export function pacing(held) {
  const parts = [];
  if (held.rate_hz != null) parts.push(t("open.pacing.rate", { rate: number(held.rate_hz, 2) }));
  if ("passes" in held)
    parts.push(typeof held.passes !== "number" ? t("open.pacing.open") : count("open.pacing.passes", held.passes));
  if (held.left_pct != null && held.right_pct != null)
    parts.push(
      held.left_pct === held.right_pct
        ? t("open.pacing.level", { level: number(held.left_pct) })
        : t("open.pacing.levels", { left: number(held.left_pct), right: number(held.right_pct) }),
    );
  else if (held.level_pct != null) parts.push(t("open.pacing.level", { level: number(held.level_pct) }));
  if (held.pulse_ms != null) parts.push(t("open.pacing.pulse", { ms: number(held.pulse_ms, 0) }));
  if (held.ramp_ms != null) parts.push(t("open.pacing.ramp", { s: number(held.ramp_ms / 1000) }));
  return parts.join(" · ");
}

export const KINDS = ["consultation", "preparation", "emdr", "medicine", "integration"];
export const kind = (name) => t(`open.kind.${name}`);

// In the order of a visit: arriving, the eight phases, the medicine's course, the frame.
export const PHASES = [
  "arrival", "history", "preparation", "resourcing", "assessment", "desensitisation", "installation",
  "body_scan", "closure", "reevaluation", "dosing", "onset", "peak", "return", "breathing", "landing",
];
export const phase = (name) => t(`after.phase.${name}`);

/** What a preset is called: one that came with twintap, in the page's words; any other, as it was named. */
export const presetName = (preset) => (has(`preset.${preset.id}`) ? t(`preset.${preset.id}`) : preset.name);

export const MARKS = [
  "consent", "stop_signal_agreed", "stop_signal_given", "medicine_given", "first_effect", "vitals",
  "eyes_open", "eyes_closed", "containment", "other",
];
export const mark = (name) => t(`after.mark.${name}`);
