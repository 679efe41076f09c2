// The daemon's clock as this page's clock tells it, from probes. Pure: it reads no clock and opens no socket.
//
// All instants are µs. "Here" is this page's clock (performance.now() × 1000), "there" the daemon's. A probe
// leaves here at t1, arrives there at t2, is answered at t3 and is back here at t4. Whatever the way took, the
// offset (there − here) lies within half a round trip of ((t2 − t1) + (t3 − t4)) / 2: so the fastest probes
// know most, and one that lies outside of that bound proves that a clock has stepped.

const YOUNG_US = 10e6; // so long every half second has a sample of its own; afterwards every two seconds
const YOUNG_BUCKET_US = 0.5e6;
const BUCKET_US = 2e6;
const WINDOW = 24;
const SKEW_PRIOR = 50e-6; // two crystals are seldom further apart
const SKEW_MOST = 500e-6;
const NOISE_US = 30; // what even the fastest of probes is uncertain by
const COARSE_US = 250; // browsers round their clock to 100 µs; a round trip may come out below nothing
const SLOWEST_US = 2e6;
const STEPS = 3; // samples in a row that prove a step

export class ClockFit {
  constructor() {
    this.reset();
  }

  /** Forgets everything. */
  reset() {
    this.samples = [];
    this.firstUs = null;
    this.strays = 0;
    this.originUs = 0;
    this.offsetUs = 0;
    this.skew = 0;
    this.boundUs = Infinity;
    this.refusedSkew = false;
  }

  /** Whether `there` and `here` mean anything. */
  get ready() {
    return this.samples.length > 0;
  }

  /** Takes one probe's four stamps; gives whether it was of use. */
  add(t1, t2, t3, t4) {
    if (![t1, t2, t3, t4].every(Number.isFinite) || t3 < t2) return false;
    const trip = t4 - t1 - (t3 - t2);
    if (trip < -COARSE_US || trip > SLOWEST_US) return false;
    const sample = { at: (t1 + t4) / 2, offset: (t2 - t1 + (t3 - t4)) / 2, trip: Math.max(0, trip) };
    if (this.ready && this.isStray(sample)) {
      this.strays += 1;
      if (this.strays < STEPS) return false;
      this.reset();
    }
    this.strays = 0;
    this.firstUs ??= sample.at;
    this.keep(sample);
    this.fit();
    return true;
  }

  isStray(sample) {
    const expected = this.there(sample.at) - sample.at;
    return Math.abs(sample.offset - expected) > sample.trip / 2 + this.boundUs + COARSE_US;
  }

  keep(sample) {
    const age = sample.at - this.firstUs;
    const bucket = age < YOUNG_US ? `y${Math.floor(age / YOUNG_BUCKET_US)}` : `o${Math.floor(age / BUCKET_US)}`;
    const last = this.samples.at(-1);
    if (last?.bucket !== bucket) {
      this.samples.push({ ...sample, bucket });
      if (this.samples.length > WINDOW) this.samples.shift();
    } else if (sample.trip < last.trip) {
      this.samples[this.samples.length - 1] = { ...sample, bucket };
    }
  }

  fit() {
    const trips = this.samples.map((sample) => sample.trip).sort((one, two) => one - two);
    const fastest = trips[0];
    const usual = trips[Math.floor(trips.length / 2)] - fastest;
    const scale = Math.max(NOISE_US, usual / 2);
    const origin = this.samples[0].at;
    const base = this.samples[0].offset; // sums of small numbers keep their digits
    let weights = 0;
    let x = 0;
    let y = 0;
    const weighed = this.samples.map((sample) => {
      const weight = 1 / (1 + ((sample.trip - fastest) / (2 * scale)) ** 2);
      weights += weight;
      x += weight * (sample.at - origin);
      y += weight * (sample.offset - base);
      return { weight, x: sample.at - origin, y: sample.offset - base };
    });
    x /= weights;
    y /= weights;
    let xx = (scale / SKEW_PRIOR) ** 2;
    let xy = 0;
    for (const one of weighed) {
      xx += one.weight * (one.x - x) ** 2;
      xy += one.weight * (one.x - x) * (one.y - y);
    }
    const skew = xy / xx;
    this.refusedSkew = Math.abs(skew) > SKEW_MOST;
    this.skew = this.refusedSkew ? 0 : skew;
    this.originUs = origin + x;
    this.offsetUs = base + y;
    this.boundUs = fastest / 2 + scale;
  }

  /** The daemon's clock at `hereUs`. */
  there(hereUs) {
    return hereUs + this.offsetUs + (hereUs - this.originUs) * this.skew;
  }

  /** This page's clock at `thereUs`. */
  here(thereUs) {
    const sinceUs = thereUs - this.originUs - this.offsetUs;
    return this.originUs + sinceUs / (1 + this.skew);
  }
}
