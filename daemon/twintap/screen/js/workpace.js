// Rate, level and passes under the thumbs; the rest of a pacing, presets and tap tempo one touch away.

import { api } from "./api.js";
import { button, el, fill, mark, say } from "./dom.js";
import { FIRST, isSame, longestPulseMs, pacingOf, presetOf, said, stepped, tapTempo } from "./pacing.js";
import { isOn } from "./stop.js";
import { pacingsTaken } from "./taken.js";
import { t, tn } from "./text.js";
import { number, presetName } from "./words.js";

const KEPT = "twintap.pacing."; // in this tab: no client is in it
const LEVEL_QUIET_MS = 1500; // after the last touch, a client's level is what it was left at
const TRIES_MAX = 5;
const NEAR_MAX = 4; // presets beside the steps
const PERSONS = new Set(["set.asked", "set.changed", "set.change_waits"]);

/** The pacing of `room`: `box` holds its controls. `changed()` is called when what is planned is another. */
export function makePace(app, room, changed) {
  let plan = recall();
  let view = null;
  let presets = [];
  let waiting = {}; // changes that are not on their way yet
  let isSending = false;
  let levelTimer = 0;
  let panel = null;
  const perPhase = new Map();
  let seen = { session: null, phase: null };

  // -- what is planned -----------------------------------------------------------------------------------

  function recall() {
    try {
      return { ...FIRST, ...pacingOf(JSON.parse(sessionStorage.getItem(KEPT + room) ?? "{}")) };
    } catch (error) {
      if (error instanceof SyntaxError) return { ...FIRST };
      throw error;
    }
  }

  function keep(next) {
    plan = { ...plan, ...next };
    plan.pulse_ms = Math.min(plan.pulse_ms, longestPulseMs(plan.rate_hz));
    sessionStorage.setItem(KEPT + room, JSON.stringify(plan));
    show();
    changed();
  }

  /** Changes the plan, and the set that runs. */
  function put(changes) {
    if (!Object.keys(changes).length) return;
    keep(changes);
    if ("left_pct" in changes || "right_pct" in changes) {
      clearTimeout(levelTimer);
      levelTimer = setTimeout(keepLevels, LEVEL_QUIET_MS);
    }
    if (isOn(view?.set)) {
      waiting = { ...waiting, ...changes };
      send();
    }
  }

  async function send() {
    if (isSending) return;
    isSending = true;
    let tries = 0;
    while (Object.keys(waiting).length) {
      const now = waiting;
      waiting = {};
      try {
        await app.live.send({ do: "change", room, pacing: said(now) });
        tries = 0;
      } catch (error) {
        if (error.name !== "Refusal") throw error;
        if (error.retryAfterMs && ++tries < TRIES_MAX) {
          waiting = { ...now, ...waiting };
          await new Promise((done) => setTimeout(done, error.retryAfterMs));
        } else if (error.code !== "idle") {
          waiting = {};
          const held = view?.set?.asked ?? view?.set?.pacing;
          if (held) keep(pacingOf(held));
          app.toast(app.wordsOf(error), { tone: "warn" });
        }
      }
    }
    isSending = false;
  }

  // The level that suits the client's hands goes with the client, not with the set.
  async function keepLevels() {
    const session = view?.session;
    if (!session || (session.left_pct === plan.left_pct && session.right_pct === plan.right_pct)) return;
    const data = { left_pct: plan.left_pct, right_pct: plan.right_pct };
    try {
      await api.post(`/rooms/${encodeURIComponent(room)}/session/entries`, { type: "level.client", data });
    } catch (error) {
      if (error.name !== "Refusal") throw error;
      app.toast(t("work.levels_unkept", { why: app.wordsOf(error) }), { tone: "warn" });
    }
  }

  // -- sessions and their phases -------------------------------------------------------------------------

  function follow(session) {
    const before = seen;
    seen = { session: session?.id ?? null, phase: session?.phase ?? null };
    if (!session || (before.session === seen.session && before.phase === seen.phase)) return;
    const isNew = before.session !== seen.session;
    const taken = pacingsTaken(session.id);
    if (isNew) {
      perPhase.clear();
      for (const [phase, held] of Object.entries(taken)) perPhase.set(phase === "any" ? "" : phase, pacingOf(held));
    }
    if (isOn(view?.set) || view?.session?.id !== seen.session) return;
    const phase = session.phase ?? "";
    const fitting = presets.find((one) => (one.phase ?? "") === phase && fits(one, session) && (phase || one.kind));
    const found = perPhase.get(phase) ?? (fitting && presetOf(fitting.pacing));
    const next = { ...found };
    if (session.left_pct !== null) Object.assign(next, { left_pct: session.left_pct, right_pct: session.right_pct });
    if (!Object.keys(next).length || isSame(next, plan)) return;
    const was = plan;
    keep(next);
    if (found && !isNew) app.toast(t("work.phase_pacing", { rate: number(plan.rate_hz, 2) }), { action: t("work.undo"), act: () => keep(was) });
  }

  const fits = (preset, session) => !preset.kind || preset.kind === session?.kind;

  // -- the controls --------------------------------------------------------------------------------------

  function most() {
    return { left: view?.left?.ceiling_pct ?? 100, right: view?.right?.ceiling_pct ?? 100 };
  }

  function step(part, way) {
    const set = view?.set;
    put(stepped(plan, part, way, { most: most(), done: isOn(set) ? set.passes_done : 0 }));
  }

  const TEXTS = {
    rate: () => t("work.rate_value", { rate: number(plan.rate_hz, 2) }),
    level: () =>
      plan.left_pct === plan.right_pct
        ? t("work.level_value", { level: number(plan.left_pct, 0) })
        : t("work.levels_value", { left: number(plan.left_pct, 0), right: number(plan.right_pct, 0) }),
    left: () => t("work.level_value", { level: number(plan.left_pct, 0) }),
    right: () => t("work.level_value", { level: number(plan.right_pct, 0) }),
    passes: () => (plan.passes === null ? t("work.open") : String(plan.passes)),
    pulse: () => t("work.pulse_value", { ms: number(plan.pulse_ms, 0) }),
    ramp: () => t("work.ramp_value", { s: number(plan.ramp_ms / 1000) }),
  };
  const steppers = [];

  function stepper(part) {
    const name = t(`work.${part}`);
    const value = el("output", { class: "step-value", data: { testid: `${part}-value` } });
    const make = (way) => {
      const node = button(way > 0 ? "+" : "−", {
        class: "step",
        "aria-label": t(way > 0 ? "work.more_of" : "work.less_of", { name }),
        data: { testid: `${part}-${way > 0 ? "more" : "less"}` },
        onclick: () => step(part, way),
        // The surface keeps the keys: a touch here does not take Space and Enter away from it.
        onmousedown: (event) => event.preventDefault(),
      });
      return node;
    };
    const label = el("span", { class: "step-name", text: name });
    const box = el("div", { class: "stepper", role: "group", "aria-label": name }, make(-1), el("span", { class: "step-mid" }, label, value), make(1));
    steppers.push({ part, value, box });
    return box;
  }

  const row = el("div", { class: "presets", role: "group", "aria-label": t("work.presets") });
  const more = button(t("work.more"), { class: "quiet", onclick: openPanel, data: { testid: "more" } });
  const box = el("section", { class: "pace", "aria-label": t("work.pacing") }, el("div", { class: "steppers" }, stepper("rate"), stepper("level"), stepper("passes")), row);

  function openPanel() {
    const own = steppers.length;
    const beat = tapTempo();
    const heard = el("strong", { class: "tempo-heard", role: "status", text: t("work.tempo_wait") });
    const pad = button(t("work.tempo_pad"), {
      class: "tempo",
      data: { testid: "tempo" },
      onpointerdown: (event) => {
        event.preventDefault();
        tapped();
      },
      onkeydown: (event) => {
        if (event.repeat || (event.key !== " " && event.key !== "Enter")) return;
        event.preventDefault();
        tapped();
      },
    });
    const tapped = () => {
      const rate = beat(performance.now());
      say(heard, rate === null ? t("work.tempo_wait") : t("work.rate_value", { rate: number(rate, 2) }));
      if (rate === null) return;
      const longest = longestPulseMs(rate);
      put(plan.pulse_ms > longest ? { rate_hz: rate, pulse_ms: longest } : { rate_hz: rate });
    };
    const soft = button(t("work.soft"), {
      onclick: () => app.live.send({ do: "stop", room, soft: true }).catch((error) => app.toast(app.wordsOf(error), { tone: "warn" })),
    });
    const content = el(
      "div",
      { class: "pace-more" },
      el("div", { class: "steppers wide" }, stepper("left"), stepper("right"), stepper("pulse"), stepper("ramp")),
      presets.length > 0 && el("h3", { text: t("work.presets") }),
      el("div", { class: "grid" }, presets.map(presetButton)),
      el("p", {}, el("small", { text: t("work.ceiling", { left: number(most().left, 0), right: number(most().right, 0) }) })),
      el("h3", { text: t("work.tempo") }),
      el("p", { text: t("work.tempo_words") }),
      el("div", { class: "row" }, pad, heard),
      el("h3", { text: t("work.soft_title") }),
      el("div", { class: "row" }, soft, el("small", { text: t("work.soft_words") })),
    );
    panel = app.dialog(t("work.pacing"), content, {
      name: "pacing",
      closed: () => {
        panel = null;
        steppers.splice(own);
      },
    });
    show();
  }

  // At hand: what is for this phase, and what is for any. The rest is in the panel.
  function atHand(one) {
    const phase = view?.session?.phase ?? null;
    return fits(one, view?.session) && (!one.phase || one.phase === phase);
  }

  function presetButton(one) {
    const held = presetOf(one.pacing);
    return button(presetName(one), {
      "aria-pressed": String(isSame(held, plan)),
      data: { preset: one.name },
      onmousedown: (event) => event.preventDefault(),
      onclick: () => put(held),
    });
  }

  function showPresets() {
    const { phase = null, kind = null } = view?.session ?? {};
    const isOwn = (one) => Number((one.phase !== null && one.phase === phase) || (one.kind !== null && one.kind === kind));
    const near = presets.filter(atHand).sort((a, b) => isOwn(b) - isOwn(a));
    const key = JSON.stringify([near, plan]);
    if (row.dataset.key === key) return;
    row.dataset.key = key;
    const focused = document.activeElement?.dataset?.preset;
    fill(row, near.slice(0, NEAR_MAX).map(presetButton), more);
    if (focused !== undefined) row.querySelector(`[data-preset="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  function show() {
    for (const one of steppers) {
      const text = TEXTS[one.part]();
      if (one.value.textContent !== text) one.value.textContent = text;
    }
    showPresets();
  }

  api.get("/presets").then(
    (found) => {
      presets = found.presets;
      showPresets();
      const session = view?.session;
      seen = { session: null, phase: null };
      follow(session);
    },
    (error) => {
      if (error.name !== "Refusal") throw error;
      // Without presets the steps are all there is; the line of trouble says it if the daemon is gone.
    },
  );
  fill(row, more);
  show();

  return {
    box,
    step,
    /** What a start says. */
    get pacing() {
      return said(plan);
    },
    get plan() {
      return plan;
    },
    update(next) {
      const wasOn = isOn(view?.set);
      view = next;
      if (!next) return;
      if (wasOn && next.set && !isOn(next.set)) perPhase.set(next.session?.phase ?? "", { ...plan });
      follow(next.session);
      showPresets();
    },
    /** What another controller asked for is what is planned here too. */
    event(happened) {
      if (PERSONS.has(happened.type) && happened.data.pacing) keep({ ...pacingOf(happened.data.pacing), ...waiting });
      if (happened.type === "level.client" && !isOn(view?.set)) keep(pacingOf(happened.data));
    },
    leave() {
      clearTimeout(levelTimer);
      panel?.close();
    },
    planned: () => (plan.passes === null ? t("work.planned_open") : tn("work.planned", plan.passes)),
  };
}
