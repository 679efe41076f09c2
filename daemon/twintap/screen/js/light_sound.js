// The tones of a set, left and right, put into the sound card's own time ahead of their pulses.
//
// Three clocks: the daemon's (the beat), this page's, and the sound card's. `ClockFit` ties the first two; here
// the last two are tied, by what the browser says it is letting be heard at this moment. What lies behind that
// (a wireless headphone) the browser cannot know: that is what the trim is for.

import { makeTone, PEAK } from "./light_tones.js";

const AHEAD_US = 1.2e6; // a hidden page's timers come once a second
const LATE_US = 20e3; // a tone later than this is left out, as a pulse is
const FADE_S = 0.2; // no sound is ever sudden
const HUSH_S = 0.15; // off within 200 ms of a stop, with what a message takes
const MOVED_US = 3e3;
const READS = 25;
const PROOF = 3; // so many reads in a row, and far from the others: something else is heard on now
const LATENCY_MOST_US = 1e6; // the slowest of wireless headphones take less

/** Where this page's clock is on the sound card's: what is heard at `hereUs` has to stand at `contextUs`. */
export class SoundClock {
  constructor(context) {
    this.context = context;
    this.reads = [];
    context.addEventListener("statechange", () => (this.reads.length = 0));
  }

  /** Looks at both clocks; to be called some times a second. */
  look() {
    const { context } = this;
    if (context.state !== "running") return;
    const nowUs = performance.now() * 1000;
    const currentUs = context.currentTime * 1e6;
    const stamp = context.getOutputTimestamp?.();
    let aheadUs = null;
    if (stamp && stamp.performanceTime > 0 && stamp.contextTime > 0) {
      aheadUs = stamp.contextTime * 1e6 - stamp.performanceTime * 1000;
      // Some browsers say nonsense here: nothing is heard before it is made, nor so long after.
      const latencyUs = currentUs - nowUs - aheadUs;
      if (latencyUs < -LATE_US || latencyUs > LATENCY_MOST_US) aheadUs = null;
    }
    const isSaid = aheadUs !== null;
    aheadUs ??= currentUs - nowUs - 1e6 * ((context.outputLatency || 0) + (context.baseLatency || 0));
    if (this.reads.length > 0 && this.reads.at(-1).isSaid !== isSaid) this.reads.length = 0;
    this.reads.push({ aheadUs, isSaid, latencyUs: currentUs - nowUs - aheadUs });
    if (this.reads.length > READS) this.reads.shift();
    this.settle();
  }

  // A sound card that has just begun, or has given way to another, is a jump and no noise.
  settle() {
    if (this.reads.length <= PROOF) return;
    const usual = middle(this.reads.map((one) => one.aheadUs));
    const latest = this.reads.slice(-PROOF);
    const side = Math.sign(latest[0].aheadUs - usual);
    if (latest.every((one) => (one.aheadUs - usual) * side > MOVED_US)) this.reads = latest;
  }

  /** Whether the two are tied. */
  get ready() {
    return this.reads.length > 0;
  }

  /** The instant on the sound card's clock that is heard at `hereUs`, both in µs. */
  contextUs(hereUs) {
    return hereUs + middle(this.reads.map((one) => one.aheadUs));
  }

  /** How long after it is made a sound is heard, as the browser says, in ms. */
  get latencyMs() {
    return this.ready ? Math.max(0, middle(this.reads.map((one) => one.latencyUs)) / 1000) : null;
  }
}

export class Tones {
  /** `fit`: gives the `ClockFit` of now. `onChange`: called when the browser takes the sound away or gives it. */
  constructor(fit, onChange) {
    this.fit = fit;
    this.onChange = onChange;
    this.context = null;
    this.isOn = false;
    this.timbre = "soft";
    this.volume = 0.4;
    this.trimUs = 0;
    this.set = null;
    this.planned = new Map();
  }

  /** Switches the tones on; has to follow from a touch. Fails where the browser has no sound. */
  async turnOn() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.clock = new SoundClock(this.context);
      this.master = new GainNode(this.context, { gain: 0 });
      this.swell = new GainNode(this.context, { gain: 0 });
      this.trial = new GainNode(this.context, { gain: 0 });
      this.swell.connect(this.master);
      this.trial.connect(this.master);
      this.master.connect(this.context.destination);
      this.context.addEventListener("statechange", () => this.onChange());
    }
    await this.context.resume();
    this.isOn = true;
    this.setVolume(this.volume);
    this.clock.look();
  }

  /** Fades them out, and lets the sound card go. */
  async turnOff() {
    this.isOn = false;
    if (!this.context) return;
    this.glide(this.master, 0, FADE_S);
    this.hush();
    await new Promise((resolve) => setTimeout(resolve, FADE_S * 1000 + 50));
    if (!this.isOn) await this.context.suspend();
  }

  /** Whether a tone would be heard. */
  get isHeard() {
    return this.isOn && this.context?.state === "running";
  }

  /** 0..1; never louder than `PEAK` of full scale. */
  setVolume(volume) {
    this.volume = volume;
    if (this.isOn) this.glide(this.master, PEAK * volume ** 2, FADE_S);
  }

  /** How much later (or, below 0, earlier) tones are heard than pulses felt, in ms, -300..300. */
  setTrim(trimMs) {
    this.trimUs = Math.min(300, Math.max(-300, trimMs)) * 1000;
  }

  setTimbre(timbre) {
    this.timbre = timbre;
    this.forget();
  }

  /** Plays one tone on `side` now. */
  try(side) {
    if (!this.isHeard || this.set !== null) return;
    const atS = this.context.currentTime + 0.05;
    this.rise(this.trial, atS, FADE_S);
    for (const part of [0, 0.35, 0.7]) makeTone(this.context, this.trial, this.timbre, side, atS + part, 0.35);
  }

  /** Plans the tones of `line` that come next; `wanted` false: there are none. To be called often. */
  follow(line, wanted) {
    if (!this.context || this.context.state !== "running") return;
    this.clock.look();
    const fit = this.fit();
    if (!this.isOn || !wanted || !fit.ready || !this.clock.ready) {
      this.hush();
      return;
    }
    const nowUs = performance.now() * 1000;
    const currentUs = this.context.currentTime * 1e6;
    if (this.set !== line.beat.set) this.begin(line, fit);
    const fromUs = fit.there(nowUs) - this.trimUs;
    const due = new Map(line.pulses(fromUs - LATE_US, fromUs + AHEAD_US).map((one) => [one.index, one]));
    for (const [index, planned] of this.planned) {
      if (planned.atUs <= currentUs + LATE_US) {
        if (planned.tone.endS * 1e6 < currentUs) this.planned.delete(index);
        continue;
      }
      const pulse = due.get(index);
      if (!pulse || Math.abs(this.heardUs(fit, pulse) - planned.atUs) > MOVED_US) {
        planned.tone.cancel(this.context.currentTime);
        this.planned.delete(index);
      }
    }
    for (const [index, pulse] of due) {
      const atUs = this.heardUs(fit, pulse);
      if (this.planned.has(index) || atUs < currentUs - LATE_US) continue;
      const longestS = (line.pulse(index + 1).startUs - pulse.startUs) / 1e6;
      const startUs = Math.max(atUs, currentUs);
      const tone = makeTone(this.context, this.swell, this.timbre, pulse.side, startUs / 1e6, longestS);
      this.planned.set(index, { set: this.set, index, side: pulse.side, pulseUs: pulse.startUs, atUs: startUs, tone });
    }
  }

  // --- inside

  heardUs(fit, pulse) {
    return this.clock.contextUs(fit.here(pulse.startUs) + this.trimUs);
  }

  begin(line, fit) {
    this.forget();
    this.set = line.beat.set;
    const goS = this.heardUs(fit, { startUs: line.goUs }) / 1e6;
    const rampS = line.beat.ramp_us / 1e6;
    const nowS = this.context.currentTime;
    const atS = Math.max(nowS, goS);
    this.rise(this.swell, atS, Math.max(FADE_S, goS + rampS - atS));
  }

  hush() {
    if (this.set === null) return;
    this.set = null;
    this.glide(this.swell, 0, HUSH_S);
    for (const { tone } of this.planned.values()) tone.cancel(this.context.currentTime + HUSH_S);
    this.planned.clear();
  }

  forget() {
    for (const { tone, atUs } of this.planned.values()) {
      if (atUs > this.context.currentTime * 1e6) tone.cancel(this.context.currentTime);
    }
    this.planned.clear();
  }

  rise(node, atS, lengthS) {
    hold(node.gain, this.context.currentTime);
    node.gain.linearRampToValueAtTime(0, Math.max(atS, this.context.currentTime + 0.005));
    node.gain.linearRampToValueAtTime(1, atS + lengthS);
  }

  glide(node, value, lengthS) {
    const nowS = this.context.currentTime;
    hold(node.gain, nowS);
    node.gain.linearRampToValueAtTime(value, nowS + lengthS);
  }
}

function hold(param, atS) {
  if (param.cancelAndHoldAtTime) {
    param.cancelAndHoldAtTime(atS);
    // Without an event at this instant a ramp would begin at the one before it.
    param.setValueAtTime(param.value, atS);
  } else {
    const { value } = param;
    param.cancelScheduledValues(atS);
    param.setValueAtTime(value, atS);
  }
}

function middle(values) {
  const sorted = [...values].sort((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)];
}
