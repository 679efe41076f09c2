// The line to the daemon's beat: it keeps the clocks together by probes, and knows whether what it knows is fresh.

import { stopByFetch } from "./api.js";
import { Line } from "./beat.js";
import { ClockFit } from "./clockfit.js";

const LOOK_MS = 250;
const PROBE_MS = 500; // between bursts
const FIRST_BURST = 8;
const BURST = 3; // the first of a burst wakes a radio that dozes, the others are fast
const ANSWER_MS = 400; // a probe that takes longer says nothing of the clock
const STALE_MS = 1000;
const STALE_HIDDEN_MS = 2500; // the timers of a page that is not seen come once a second
const SLEPT_MS = 500;
const BACK_OFF_MS = [0, 200, 500, 1000, 2000, 3000];
const NO_TOKEN = 4401;
const NOT_ALLOWED = 4403;
const NO_ROOM = 4404;

/** `state`: opening, open, or why there will be nothing: token, role, room. */
export class Follower {
  /** `onChange` is called whenever the beat or the state is another one. */
  constructor(room, onChange) {
    this.room = room;
    this.onChange = onChange;
    this.fit = new ClockFit();
    this.line = new Line();
    this.state = "opening";
    this.socket = null;
    this.stops = new Map();
    this.lastNumber = 0;
    this.tries = 0;
    this.retry = 0;
    this.forget();
    this.markClocks();
    setInterval(() => this.look(), LOOK_MS);
    for (const type of ["visibilitychange", "resume"]) document.addEventListener(type, () => this.wake());
    window.addEventListener("online", () => this.wake());
    window.addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  /** Opens a new line; what was known by an older one is not known any more. */
  open() {
    clearTimeout(this.retry);
    this.drop();
    this.state = "opening";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const path = `/api/v1/rooms/${encodeURIComponent(this.room)}/beat`;
    const socket = new WebSocket(`${scheme}://${location.host}${path}`);
    this.socket = socket;
    this.heardMs = performance.now();
    socket.onopen = () => socket === this.socket && this.burst(FIRST_BURST);
    socket.onmessage = (message) => socket === this.socket && this.take(message.data);
    socket.onclose = (closing) => socket === this.socket && this.lost(closing.code);
    this.onChange();
  }

  /** Whether the beat is known as it is now, at `nowMs` of performance.now(). */
  isFresh(nowMs = performance.now()) {
    const limit = document.hidden ? STALE_HIDDEN_MS : STALE_MS;
    return this.hasBeat && this.fit.ready && nowMs - this.heardMs < limit;
  }

  /** Stops the room's set by both ways at once; fulfilled with true when either is confirmed, false if none is. */
  stop() {
    const number = ++this.lastNumber;
    const byLine = new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) {
        reject(new Error("the line is not open"));
        return;
      }
      this.stops.set(number, (ok) => (ok ? resolve(true) : reject(new Error("not confirmed"))));
      this.socket.send(JSON.stringify({ stop: number }));
    });
    const byRequest = stopByFetch(this.room).then(() => true);
    return Promise.any([byLine, byRequest]).catch(() => false);
  }

  // --- inside

  forget() {
    this.fit.reset();
    this.line = new Line();
    this.hasBeat = false;
    this.waiting = null;
    this.burstLeft = 0;
    this.probedMs = 0;
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    this.forget();
    for (const answer of this.stops.values()) answer(false);
    this.stops.clear();
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  lost(code) {
    this.drop();
    const refused = { [NO_TOKEN]: "token", [NOT_ALLOWED]: "role", [NO_ROOM]: "room" }[code];
    this.state = refused ?? "opening";
    if (!refused) {
      const wait = BACK_OFF_MS[Math.min(this.tries++, BACK_OFF_MS.length - 1)];
      this.retry = setTimeout(() => this.open(), wait);
    }
    this.onChange();
  }

  take(text) {
    const nowUs = performance.now() * 1000;
    const message = JSON.parse(text);
    this.heardMs = nowUs / 1000;
    if (message.echo !== undefined) {
      this.echoed(message, nowUs);
    } else if (message.beat !== undefined) {
      this.line.take(message.beat);
      this.hasBeat = true;
      this.tries = 0;
      this.state = "open";
      this.onChange();
    } else if (message.stopped !== undefined) {
      this.stops.get(message.stopped)?.(message.ok);
      this.stops.delete(message.stopped);
    }
  }

  burst(count) {
    this.burstLeft = count;
    this.probe();
  }

  probe() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const number = ++this.lastNumber;
    this.burstLeft -= 1;
    const sentUs = performance.now() * 1000;
    this.probedMs = sentUs / 1000;
    this.waiting = { number, sentUs };
    this.socket.send(JSON.stringify({ probe: number }));
  }

  echoed({ echo, t2_us, t3_us }, nowUs) {
    if (this.waiting?.number !== echo) return;
    const wasReady = this.fit.ready;
    if (nowUs - this.waiting.sentUs < ANSWER_MS * 1000) this.fit.add(this.waiting.sentUs, t2_us, t3_us, nowUs);
    this.waiting = null;
    if (this.burstLeft > 0) this.probe();
    if (!wasReady && this.fit.ready) this.onChange();
  }

  look() {
    const now = performance.now();
    if (this.hasSlept()) {
      this.open();
      return;
    }
    if (this.state !== "opening" && this.state !== "open") return;
    const wasFresh = this.wasFresh;
    this.wasFresh = this.isFresh(now);
    if (wasFresh !== this.wasFresh) this.onChange();
    if (this.socket?.readyState === WebSocket.OPEN) {
      if (now - this.heardMs > 2 * STALE_HIDDEN_MS) this.lost(0);
      else if (now - this.probedMs >= PROBE_MS) this.burst(BURST);
    } else if (this.socket && now - this.heardMs > 2 * STALE_HIDDEN_MS) {
      this.lost(0); // a way that swallows everything never says that it failed
    }
  }

  wake() {
    if (document.hidden || (this.state !== "opening" && this.state !== "open")) return;
    if (this.hasSlept() || !this.isFresh()) this.open();
  }

  markClocks() {
    this.aheadMs = Date.now() - performance.now();
  }

  // In sleep many browsers' own clock stands still: only the time of day tells that time has passed.
  hasSlept() {
    const before = this.aheadMs;
    this.markClocks();
    return Math.abs(this.aheadMs - before) > SLEPT_MS;
  }
}
