// The light page: puts the beat, the figure and the tones together. It shows the beat of one room and nothing else.

import { Line } from "./beat.js";
import { el, mark } from "./dom.js";
import { makeEntry, takeOffer } from "./light_entry.js";
import { Figure, figureFor } from "./light_figure.js";
import { Follower } from "./light_follow.js";
import { COLOURS, GROUNDS, keepSettings, makePanel, picture, readSettings, storageHere } from "./light_settings.js";
import { Tones } from "./light_sound.js";
import { loadText, t } from "./text.js";

const BEFORE_US = 200e3; // the light comes up before the first pulse
const RING_US = 500e3; // what the last tone may ring on
const TICK_MS = 100;
const QUIET_MS = 5000; // what can be touched goes away so long after the last touch
const PANEL_QUIET_MS = 30000;
const NO_ANSWER_MS = 1200;
const LOST_SAID_MS = 3000;
const AGAIN_MS = 1000; // a stop that was not confirmed is sent again as long as the set is seen to run
const FREQUENT_MS = 500;
const PREVIEW_US = 2e6; // how slowly the light crosses while somebody looks at its settings

class LightPage {
  constructor(room) {
    this.room = room;
    this.storage = storageHere();
    this.settings = readSettings(this.storage);
    this.lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
    this.figure = new Figure();
    this.follower = new Follower(room, () => this.changed());
    this.tones = new Tones(() => this.follower.fit, () => this.changed());
    this.frames = null; // who wants to know of each frame: `({ nowUs, shownUs, atUs, place, lit })`
    this.hushed = null;
    this.noAnswer = 0;
    this.stoppedMs = 0;
    this.preview = null;
    this.isOn = false; // whether a set may run: what was seen to begin and not to end may, line or no line
    this.lastSet = null;
    this.isAsked = false;
    this.touchedMs = -Infinity;
    this.lostMs = null;
    this.wakeLock = null;
    this.isAsking = false;
    this.build();
    this.dress();
    this.lessMotion.addEventListener("change", () => this.changed());
    setInterval(() => this.tick(), TICK_MS);
    setInterval(() => this.changed(), FREQUENT_MS);
  }

  // --- what there is

  build() {
    this.said = el("p", { class: "said", role: "status", data: { testid: "said" } });
    this.stopButton = el("button", {
      type: "button", class: "round stop", hidden: true, "aria-label": t("light.stop"), data: { testid: "stop" },
      on: { click: () => this.stop() },
    }, picture("stop"));
    const round = (name, pictured, fn) => el("button", {
      type: "button", class: "round", "aria-label": t(`light.${name}`), title: t(`light.${name}`),
      data: { testid: name }, on: { click: fn },
    }, picture(pictured));
    this.settingsButton = round("settings_open", "settings", () => this.togglePanel());
    this.fullButton = round("full", "full", () => this.toggleFull());
    this.fullButton.hidden = !document.documentElement.requestFullscreen;
    this.tools = el("div", { class: "tools" }, this.fullButton, this.settingsButton);
    this.panel = makePanel(this.settings, {
      change: (name, value) => this.change(name, value),
      sound: () => this.toggleSound(),
      hear: (side) => this.tones.try(side),
      close: () => this.togglePanel(false),
    });
    this.main = el("main", {},
      el("h1", { class: "seen-by-readers", text: t("light.title", { room: this.room }) }),
      this.figure.box, this.said, this.stopButton, this.tools, this.panel.panel);
    document.title = t("light.title", { room: this.room });
    document.body.prepend(this.main);
    // Nothing here starts anything: a touch shows what can be touched, and no more.
    for (const type of ["pointerdown", "pointermove", "keydown", "focusin"]) {
      document.addEventListener(type, () => this.touched(), { passive: true });
    }
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("visibilitychange", () => this.changed());
  }

  dress() {
    const { colour, ground, brightness, size, travel, timbre, volume, trim_ms: trimMs } = this.settings;
    const isLight = ground === "light";
    document.documentElement.style.setProperty("--ground", GROUNDS[ground]);
    mark(document.body, "data-ground", isLight ? "light" : "dark");
    this.figure.dress({
      colour: COLOURS[colour][isLight ? "light" : "dark"], brightness: brightness / 100, size, travel: travel / 100,
    });
    this.tones.timbre = timbre;
    this.tones.setVolume(volume / 100);
    this.tones.setTrim(trimMs);
  }

  change(name, value) {
    this.settings[name] = value;
    keepSettings(this.storage, this.settings);
    if (name === "timbre") this.tones.setTimbre(value);
    this.dress();
    this.changed();
  }

  // --- what is so

  get line() {
    return this.follower.line;
  }

  /** Whether the room's set runs, as far as is known here, and nobody here has stopped it. */
  get isRunning() {
    return this.line.isRunning && this.line.beat.set !== this.hushed;
  }

  chosen(line, atUs) {
    return figureFor(this.settings.figure, line.periodAt(atUs), this.lessMotion.matches);
  }

  /** What is drawn: the set that runs; else, while its settings are open, a light that crosses slowly. */
  get shown() {
    if (this.isRunning || !this.preview) return this.line;
    return this.preview;
  }

  changed() {
    const { state } = this.follower;
    if (state === "token" && !this.isAsking) this.ask(null);
    const isFresh = this.follower.isFresh();
    if (this.line.isRunning) {
      this.isOn = true;
      this.lastSet = this.line.beat.set;
    } else if (isFresh) {
      this.isOn = false;
      this.noAnswer = 0;
    }
    if (isFresh || this.lostMs === null) this.lostMs = isFresh ? null : this.lostMs ?? performance.now();
    const isAgainst = this.noAnswer > 0 && this.line.isRunning && this.line.beat.set === this.hushed;
    if (isAgainst && isFresh && performance.now() - this.stoppedMs > AGAIN_MS) this.send();
    const soonMs = performance.now() - QUIET_MS / 2;
    if (this.isOn && this.stopButton.hidden) this.touchedMs = Math.min(this.touchedMs, soonMs);
    this.stopButton.hidden = !this.isOn;
    this.speak();
    this.showPanel();
    this.keepAwake();
    this.tick();
    this.draw();
  }

  speak() {
    const isQuiet = this.isRunning && this.follower.isFresh();
    const { state } = this.follower;
    let [key, isWarning] = ["light.waiting", false];
    if (this.noAnswer > 0) {
      const isLate = performance.now() - this.noAnswer > NO_ANSWER_MS;
      [key, isWarning] = [isLate ? "light.no_answer" : "light.stopping", true];
    } else if (isQuiet || state === "token") key = null;
    else if (state === "role" || state === "room") [key, isWarning] = [`light.refused_${state}`, true];
    else if (!this.follower.isFresh()) {
      const isLong = this.lostMs !== null && performance.now() - this.lostMs > LOST_SAID_MS;
      [key, isWarning] = isLong ? ["light.lost", true] : [null, false];
    }
    const text = key ? t(key, { room: this.room }) : "";
    if (this.said.textContent !== text) this.said.textContent = text;
    this.said.classList.toggle("warn", isWarning);
  }

  showPanel() {
    if (this.panel.panel.hidden) return;
    const atUs = this.follower.fit.there(performance.now() * 1000);
    this.panel.update({
      isOn: this.tones.isOn,
      isHeard: this.tones.isHeard,
      latencyMs: this.tones.clock?.latencyMs ?? null,
      why: this.chosen(this.shown, atUs).why,
      hasWakeLock: "wakeLock" in navigator,
      boundUs: this.follower.fit.boundUs,
    });
  }

  // --- each frame, and between

  draw() {
    if (this.isAsked) return;
    if (!this.isRunning && !this.preview && !this.figure.isSeen) {
      this.figure.rest();
      return;
    }
    this.isAsked = true;
    requestAnimationFrame((stampMs) => {
      this.isAsked = false;
      this.frame(stampMs * 1000);
      this.draw();
    });
  }

  frame(nowUs) {
    const { fit } = this.follower;
    const shownUs = this.figure.begin(nowUs);
    const atUs = fit.there(shownUs);
    const { shown } = this;
    const isShown = shown === this.preview || (this.isRunning && this.follower.isFresh()
      && atUs >= shown.goUs - BEFORE_US && atUs <= shown.endUs);
    this.figure.show(shown, atUs, isShown ? this.chosen(shown, atUs).figure : "none");
    const { place, lit, glow } = this.figure;
    this.frames?.({ nowUs, shownUs, atUs, place, lit, glow: { ...glow } });
  }

  tick() {
    const atUs = this.follower.fit.there(performance.now() * 1000);
    const isWanted = this.isRunning && this.follower.isFresh()
      && atUs <= this.line.endUs + RING_US + Math.max(0, this.tones.trimUs);
    this.tones.follow(this.line, isWanted);
    const quietMs = this.panel.panel.hidden ? QUIET_MS : PANEL_QUIET_MS;
    const isQuiet = performance.now() - this.touchedMs > quietMs;
    if (isQuiet && !this.panel.panel.hidden) this.togglePanel(false);
    const hidesTools = isQuiet && this.isRunning && this.panel.panel.hidden;
    document.body.classList.toggle("is-quiet", hidesTools);
    document.body.classList.toggle("is-touched", !isQuiet);
  }

  // --- what hands do

  touched() {
    this.touchedMs = performance.now();
    document.body.classList.remove("is-quiet");
    document.body.classList.add("is-touched");
  }

  key(event) {
    if (event.key !== "Escape") return;
    // A set that runs comes first; whatever lies over it comes second.
    if (this.isOn) {
      event.preventDefault();
      if (!event.repeat) this.stop();
    } else this.togglePanel(false);
  }

  stop() {
    // Dark and silent at once; the pulsers follow, or stop by themselves.
    this.hushed = this.lastSet;
    this.noAnswer = performance.now();
    this.send();
    this.changed();
  }

  async send() {
    this.stoppedMs = performance.now();
    if (await this.follower.stop()) {
      this.noAnswer = 0;
      this.changed();
    }
  }

  togglePanel(isOpen = this.panel.panel.hidden) {
    if (isOpen === !this.panel.panel.hidden) return;
    const hadFocus = this.panel.panel.contains(document.activeElement);
    this.panel.panel.hidden = !isOpen;
    this.main.classList.toggle("with-panel", isOpen);
    this.preview = isOpen ? previewFrom(this.follower.fit.there(performance.now() * 1000)) : null;
    this.draw();
    if (isOpen) {
      this.showPanel();
      this.panel.focus();
    } else if (hadFocus) this.settingsButton.focus();
  }

  async toggleSound() {
    if (this.tones.isOn) await this.tones.turnOff();
    else await this.tones.turnOn();
    this.changed();
    this.showPanel();
  }

  async toggleFull() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else {
      await document.documentElement.requestFullscreen({ navigationUI: "hide" });
      // Else the first Escape would leave the full screen, and be no stop.
      await navigator.keyboard?.lock?.(["Escape"]);
    }
  }

  /** Asks to be let in, by a one-time token or by six digits. */
  ask(token) {
    this.isAsking = true;
    this.main.append(makeEntry(this.room, token, () => {
      this.isAsking = false;
      this.follower.open();
    }));
  }

  // A display that stands before somebody stays awake while its room is known.
  async keepAwake() {
    const wanted = !document.hidden && this.follower.state === "open";
    if (!("wakeLock" in navigator) || this.isLocking || wanted === Boolean(this.wakeLock)) return;
    this.isLocking = true;
    try {
      if (wanted) {
        this.wakeLock = await navigator.wakeLock.request("screen");
        this.wakeLock.addEventListener("release", () => (this.wakeLock = null));
      } else {
        await this.wakeLock.release();
        this.wakeLock = null;
      }
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error; // the battery is low: asked again with the next look
    } finally {
      this.isLocking = false;
    }
  }
}

function previewFrom(startUs) {
  const line = new Line();
  const beat = { first_pass: 0, start_us: startUs, period_us: PREVIEW_US, pulse_us: PREVIEW_US / 10, next: null };
  line.take({ ...beat, set: "preview", state: "running", go_us: startUs, ramp_us: 0, passes: null, end_us: null });
  return line;
}

function roomHere() {
  return decodeURIComponent(location.pathname.replace(/^\/light\//, "").replace(/\/$/, ""));
}

/** The page, once it is there; for what measures it. */
export let page = null;

await loadText();
page = new LightPage(roomHere());
const offer = takeOffer();
if (offer) page.ask(offer);
else page.follower.open();
