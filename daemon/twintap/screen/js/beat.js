// The beat of a set, as light and sound follow it: where each pulse lies, and where a light is that crosses as
// the taps do. Pure: every instant is µs of the daemon's clock and comes in from outside.
//
// Pulses are counted by halves of a pass: 0 is the left pulse of pass 0, 1 its right one, 2 the left of pass 1.
// Left is the client's own left, and the screen faces the client: it is the left of the screen as well.

const RISE_US = 60e3;
const FALL_US = 80e3;

/** How many flashes a second a screen may show: WCAG 2.3.1. */
export const FLASHES_MOST = 3;

export class Line {
  constructor() {
    this.beat = { set: null, state: "idle" };
    this.stretches = [];
  }

  /** Takes the beat as the daemon has sent it. */
  take(beat) {
    const isSame = beat.set !== null && beat.set === this.beat.set;
    const before = isSame ? this.stretches : [];
    if (beat.state === "running") {
      // What has been played stays as it was: the pulse before a change is part of the way to the one after it.
      const past = before.filter((one) => one.first_pass < beat.first_pass);
      this.stretches = [...past.slice(-1), stretchOf(beat), ...(beat.next ? [stretchOf(beat.next)] : [])];
    } else if (!isSame) {
      this.stretches = [];
    }
    this.beat = beat;
  }

  get isRunning() {
    return this.beat.state === "running";
  }

  /** When the first pulse begins. Only of a set that runs. */
  get goUs() {
    return this.beat.go_us;
  }

  /** When the last planned pulse ends; Infinity for an open set. */
  get endUs() {
    return this.beat.end_us ?? Infinity;
  }

  stretchAt(pass) {
    let found = this.stretches[0];
    for (const one of this.stretches) if (pass >= one.first_pass) found = one;
    return found;
  }

  /** How long a pass lasts at `atUs`. */
  periodAt(atUs) {
    let found = this.stretches[0];
    for (const one of this.stretches) if (atUs >= one.start_us) found = one;
    return found?.period_us ?? Infinity;
  }

  /** Pulse `index`: its side, and when it begins, is at its middle, and ends. */
  pulse(index) {
    const pass = Math.floor(index / 2);
    const isRight = index % 2 === 1;
    const stretch = this.stretchAt(pass);
    const start = stretch.start_us + (pass - stretch.first_pass + (isRight ? 0.5 : 0)) * stretch.period_us;
    return {
      index,
      side: isRight ? "right" : "left",
      startUs: start,
      middleUs: start + stretch.pulse_us / 2,
      endUs: start + stretch.pulse_us,
    };
  }

  /** Whether pulse `index` belongs to the set. */
  has(index) {
    return index >= 0 && (this.beat.passes === null || index < 2 * this.beat.passes);
  }

  /** The pulse whose middle is the last at or before `atUs`; -1 before the first. */
  indexAt(atUs) {
    if (this.stretches.length === 0) return -1;
    let stretch = this.stretches[0];
    for (const one of this.stretches) if (atUs >= one.start_us) stretch = one;
    const passes = stretch.first_pass + (atUs - stretch.start_us) / stretch.period_us;
    let index = Math.max(-1, Math.floor(2 * passes));
    while (index >= 0 && this.pulse(index).middleUs > atUs) index -= 1;
    while (this.has(index + 1) && this.pulse(index + 1).middleUs <= atUs) index += 1;
    return index;
  }

  /** The pulses of the set that begin in [fromUs, toUs). */
  pulses(fromUs, toUs) {
    const found = [];
    if (this.stretches.length === 0) return found;
    for (let index = Math.max(0, this.indexAt(fromUs) - 1); this.has(index); index += 1) {
      const pulse = this.pulse(index);
      if (pulse.startUs >= toUs) break;
      if (pulse.startUs >= fromUs) found.push(pulse);
    }
    return found;
  }

  /** Where the light is at `atUs`: -1 at the client's left, 1 at the right; null without a set.
   *
   * It is at an end in the middle of that side's pulse and swings between as a pendulum does. Before the first
   * pulse and after the last it rests.
   */
  place(atUs) {
    if (this.stretches.length === 0) return null;
    const index = this.indexAt(atUs);
    if (index < 0) return -1;
    const from = index % 2 === 0 ? -1 : 1;
    if (!this.has(index + 1)) return this.has(index) ? from : 1;
    const [one, two] = [this.pulse(index), this.pulse(index + 1)];
    const way = Math.min(1, (atUs - one.middleUs) / (two.middleUs - one.middleUs));
    return from * Math.cos(Math.PI * way);
  }

  /** How far the light of `side` is lit at `atUs`, 0..1: up softly with its pulse, down softly after it. */
  lit(atUs, side) {
    if (this.stretches.length === 0) return 0;
    const near = this.indexAt(atUs);
    let most = 0;
    for (let index = near - 1; index <= near + 1; index += 1) {
      if (!this.has(index) || (index % 2 === 1) !== (side === "right")) continue;
      const pulse = this.pulse(index);
      const rise = Math.min(RISE_US, (pulse.endUs - pulse.startUs) / 2);
      if (atUs < pulse.startUs || atUs > pulse.endUs + FALL_US) continue;
      const up = soft((atUs - pulse.startUs) / rise);
      const down = 1 - soft((atUs - pulse.endUs) / FALL_US);
      most = Math.max(most, Math.min(up, down));
    }
    return most;
  }
}

/** Whether both sides lit in turn, each once a pass, flash no more often than a screen may. */
export function mayFlash(periodUs) {
  return 2e6 / periodUs <= FLASHES_MOST;
}

function stretchOf({ first_pass, start_us, period_us, pulse_us }) {
  return { first_pass, start_us, period_us, pulse_us };
}

function soft(part) {
  const held = Math.min(1, Math.max(0, part));
  return held * held * (3 - 2 * held);
}
