// How the next set is to feel, or the one that runs: the steps that a touch takes, and tap tempo.

export const LIMITS = {
  rate_hz: [0.1, 4],
  pulse_ms: [20, 5000],
  level_pct: [0, 100],
  ramp_ms: [0, 10000],
};

// What a set is like before anybody has said anything: conventions, each one touch away from another.
export const FIRST = { rate_hz: 1, pulse_ms: 100, left_pct: 40, right_pct: 40, ramp_ms: 1000, passes: 24 };

const PASSES = [4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 36, 40, 48, 60, 80, 100, 150, 200];
const PULSES = [20, 30, 40, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 4000, 5000];
const RAMPS = [0, 500, 1000, 1500, 2000, 3000, 4000, 5000, 6000, 8000, 10000];
const LEVEL_STEP_PCT = 5;

/** The next of `steps` above (`way` 1) or below (-1) `value`; the value itself at an end. */
function next(steps, value, way) {
  const found = way > 0 ? steps.find((step) => step > value) : steps.filter((step) => step < value).at(-1);
  return found ?? value;
}

/** The longest pulse at a rate: half a pass. */
export const longestPulseMs = (rate_hz) => Math.floor(500 / rate_hz);

function rateAfter(rate, way) {
  const fine = rate + (way < 0 ? -1e-9 : 1e-9) < 0.5;
  const step = fine ? 0.05 : 0.1;
  const to = (way > 0 ? Math.floor(rate / step + 1e-6) + 1 : Math.ceil(rate / step - 1e-6) - 1) * step;
  return clamp(Math.round(to * 100) / 100, LIMITS.rate_hz);
}

function clamp(value, [low, high]) {
  return Math.min(high, Math.max(low, value));
}

function levelAfter(level, way, most) {
  const to = way > 0 ? Math.floor(level / LEVEL_STEP_PCT + 1e-6) + 1 : Math.ceil(level / LEVEL_STEP_PCT - 1e-6) - 1;
  return clamp(to * LEVEL_STEP_PCT, [0, most]);
}

/**
 * What one step of `part` changes in a pacing: {} where there is no further step. `part`: rate, level, left,
 * right, passes, pulse or ramp. `most`: {left, right}, the ceilings in percent; `done`: passes of a running
 * set, below which no plan can go.
 */
export function stepped(pacing, part, way, { most = { left: 100, right: 100 }, done = 0 } = {}) {
  const to = {};
  if (part === "rate") {
    to.rate_hz = rateAfter(pacing.rate_hz, way);
    const longest = longestPulseMs(to.rate_hz);
    if (pacing.pulse_ms > longest) to.pulse_ms = longest;
  }
  if (part === "level" || part === "left") to.left_pct = levelAfter(pacing.left_pct, way, most.left);
  if (part === "level" || part === "right") to.right_pct = levelAfter(pacing.right_pct, way, most.right);
  if (part === "passes") to.passes = passesAfter(pacing.passes, way, done);
  if (part === "pulse") to.pulse_ms = Math.min(next(PULSES, pacing.pulse_ms, way), longestPulseMs(pacing.rate_hz));
  if (part === "ramp") to.ramp_ms = next(RAMPS, pacing.ramp_ms, way);
  for (const [name, value] of Object.entries(to)) if (value === pacing[name]) delete to[name];
  return to;
}

// Above the last step lies "open": until somebody stops it.
function passesAfter(passes, way, done) {
  const steps = PASSES.filter((step) => step > done + 1);
  if (passes === null) return way > 0 ? null : (steps.at(-1) ?? null);
  const to = next(steps, passes, way);
  return to === passes && way > 0 ? null : to;
}

/** The pacing as the API wants it said. */
export function said(changes) {
  const body = { ...changes };
  if ("passes" in body) body.passes = body.passes ?? "open";
  return body;
}

/** Whether two pacings are the same in all that `one` says. */
export function isSame(one, two) {
  return Object.entries(one).every(([name, value]) => two[name] === value);
}

/** A pacing as the daemon shows it, by its known fields; `passes` null: open. */
export function pacingOf(given) {
  const found = {};
  for (const name of Object.keys(FIRST)) {
    const value = given[name];
    if (name === "passes" && (value === null || value === "open")) found.passes = null;
    else if (value !== undefined && value !== null) found[name] = value;
  }
  return found;
}

/** What a preset says: what it leaves out stays as it is. */
export function presetOf(given) {
  const found = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  if (found.level_pct !== undefined) {
    found.left_pct ??= found.level_pct;
    found.right_pct ??= found.level_pct;
  }
  return pacingOf(found);
}

const TAP_GAP_MS = 3000; // slower than this, and a new rhythm begins
const TAPS_MAX = 9;

/**
 * Listens to a rhythm: each tap is one pulse, left and right by turns, so two of them are a pass. `tap(now)`
 * gives the rate in Hz, or null until four taps have been heard.
 */
export function tapTempo() {
  let taps = [];
  return function tap(now) {
    if (taps.length && now - taps.at(-1) > TAP_GAP_MS) taps = [];
    taps = [...taps, now].slice(-TAPS_MAX);
    if (taps.length < 4) return null;
    const gaps = taps.slice(1).map((at, i) => at - taps[i]).sort((a, b) => a - b);
    const middle = gaps[Math.floor(gaps.length / 2)];
    return clamp(Math.round((1000 / (2 * middle)) * 100) / 100, LIMITS.rate_hz);
  };
}
