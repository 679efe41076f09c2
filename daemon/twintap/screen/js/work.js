// Work: the eyes are on the client. The whole screen starts and stops; what is shown is read from two metres.

import { api, wake } from "./api.js";
import { button, el, isClickOfPress, mark, put, say } from "./dom.js";
import { makeEntries } from "./entries.js";
import { holdButton } from "./hold.js";
import { makePace } from "./workpace.js";
import { choosePhase, closeSession, makeMarks, makeRatings, openTargets } from "./workmarks.js";
import { makeLock, openHelp, openMenu } from "./workmenu.js";
import { makeTop } from "./worktop.js";
import { COOLDOWN_MS, isOn } from "./stop.js";
import { faceOf, HOLD_MS, needsHold, restOf, setOf } from "./surface.js";
import { has, spanOf, t, tn } from "./text.js";
import { stayAwake } from "./wake.js";

export const styles = ["work.css"];
export const isBare = true;
export const isSurface = true;

const CONTROLS = "button:not(#surface), a, input, textarea, select, summary, label, output";
const REFUSED_MS = 5000;
const PAGE_KEYS = new Set(["PageUp", "PageDown"]);
const SURFACE_KEYS = new Set([" ", "Enter"]);
const ARROWS = { ArrowRight: ["rate", 1], ArrowLeft: ["rate", -1], ArrowUp: ["level", 1], ArrowDown: ["level", -1] };

export function mount(root, app, { room }) {
  let view = null;
  let face = { mode: "connecting", touch: "stop", revision: null };
  let shown = face; // what has been painted: a touch means this
  let frame = 0;
  let isStarting = false;
  let starts = 0;
  let refused = null;
  let refusedTimer = 0;
  let isAwake = true; // this screen
  let isWoken = false; // the pulsers, as one came here
  let wokenAt = null; // when a touch woke them
  let settings = { sud_prompt_at: null, reminders: [] };
  const dismissed = new Set();

  const entries = makeEntries(app, room);
  const session = () => view?.session ?? null;

  // -- what is on the screen -----------------------------------------------------------------------------

  const big = el("span", { class: "big", data: { testid: "passes" } });
  const of = el("span", { class: "of" });
  const time = el("span", { class: "time", data: { testid: "time" } });
  const word = el("span", { class: "word", data: { testid: "word" } });
  const why = el("span", { class: "why", data: { testid: "why" } });
  const surface = el("button", { type: "button", id: "surface", class: "surface", data: { testid: "surface" } }, why, big, of, time, word);
  const again = holdButton(t("work.hold"), HOLD_MS, () => shown.mode === "hold" && start(), { class: "again", data: { testid: "hold" } });
  const take = button(t("work.take_lead"), { class: "take main", data: { testid: "take-lead" }, onclick: () => entries.ask("lead") });
  const stage = el("div", { class: "stage" }, surface, again.node, take);
  const spoken = el("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const line = el("div", { class: "line", hidden: true }, el("span", { role: "status" }), el("span", { class: "row" }));

  const pace = makePace(app, room, () => draw());
  const ratings = makeRatings(entries.enter, () => settings.sud_prompt_at ?? null);
  const marks = makeMarks(app, entries.enter, session);
  const without = el("p", { class: "without" }, t("work.without"), " ", el("a", { href: `#/ready/${encodeURIComponent(room)}`, text: t("work.open_one") }));
  const lock = makeLock(() => {
    if (lock.now) top.hideCode();
    app.render();
  });
  const top = makeTop(app, room, {
    phase: () => session() && choosePhase(app, entries.enter, session()),
    menu: () => openMenu(app, room, { session: session(), isAwake, acts: menu }),
    wipe: () => lock.set("wipe"),
    hide: () => lock.set("screen"),
  });
  const menu = {
    targets: () => session() && openTargets(app, entries.enter, session()),
    close: () => session() && closeSession(app, entries.ask, session()),
    lead: () => entries.ask("lead"),
  };
  const side = el("div", { class: "side" }, pace.box, ratings.box, marks.box, without);
  const work = el("main", { class: "work", id: "work", "aria-label": t("app.work", { room }) }, top.box, line, stage, side, lock.box, spoken);
  put(root, work);

  // -- start and stop ------------------------------------------------------------------------------------

  function act(seen) {
    if (seen.touch === "stop") {
      isStarting = false;
      starts += 1; // whatever comes of the one that was on its way, a stop was meant
      app.stopNow();
    } else if (seen.touch === "start") start(seen.revision);
    else if (seen.touch === "wake") rouse();
    else if (seen.mode === "hold") again.node.focus({ preventScroll: true });
  }

  function rouse() {
    wokenAt = performance.now();
    setTimeout(app.render, COOLDOWN_MS + 20);
    wake(room);
    app.render();
  }

  async function start(revision = view?.revision) {
    if (isStarting || !view) return;
    isStarting = true;
    const mine = ++starts;
    refuse(null);
    app.render();
    try {
      await app.live.send({ do: "start", room, pacing: pace.pacing, revision });
    } catch (error) {
      if (error.name !== "Refusal") throw error;
      if (mine === starts) refuse(app.wordsOf(error));
    } finally {
      if (mine === starts) isStarting = false;
      app.render();
    }
  }

  function refuse(text) {
    clearTimeout(refusedTimer);
    refused = text;
    if (text)
      refusedTimer = setTimeout(() => {
        refused = null;
        app.render();
      }, REFUSED_MS);
  }

  function onPointer(event) {
    if (event.button > 0 || event.target.closest(CONTROLS)) return;
    // What lies between the controls stops as the surface does; but a finger that missed one starts nothing.
    // And a second finger is no second touch.
    if (event.pointerType !== "mouse") event.preventDefault();
    if (shown.touch !== "stop" && !(event.isPrimary && stage.contains(event.target))) return;
    act(shown);
  }

  function onClick() {
    if (!isClickOfPress()) act(shown);
  }

  function onKey(event) {
    const { key, target } = event;
    const isFree = !app.layers.isOpen && (target === document.body || target === surface || target === root || target === work);
    if (PAGE_KEYS.has(key)) {
      if (!event.repeat && !(app.layers.isOpen && shown.touch !== "stop")) act(shown);
      return true;
    }
    if (!isFree) return false;
    if (SURFACE_KEYS.has(key)) {
      if (!event.repeat) act(shown);
      return true;
    }
    if (lock.now || !app.commands) return false;
    if (key === "?") {
      openHelp(app);
      return true;
    }
    const arrow = ARROWS[key];
    if (!arrow) return false;
    const [part, way] = arrow;
    pace.step(event.shiftKey && part === "level" ? "passes" : part, way);
    return true;
  }

  work.addEventListener("pointerdown", onPointer);
  work.addEventListener("contextmenu", (event) => event.target.closest(CONTROLS) === null && event.preventDefault());
  surface.addEventListener("click", onClick);
  // Some browsers make a click of Space let go, though its press was taken: that would be a second touch.
  surface.addEventListener("keyup", (event) => event.key === " " && event.preventDefault());

  // -- drawing -------------------------------------------------------------------------------------------

  function look() {
    face = faceOf({
      room: view,
      commands: app.commands,
      label: app.me?.label,
      isStarting,
      stopPhase: app.stop.state.phase,
      endedAt: app.past.endedAt,
      wokenAt,
      now: performance.now(),
      lock: lock.now,
      isLost: app.past.isLost,
    });
    cancelAnimationFrame(frame);
    const drawn = face;
    // With the frame in which it is painted, and not before: until then a touch means what is still seen.
    frame = requestAnimationFrame(() => {
      shown = drawn;
      mark(work, "data-mode", drawn.mode);
    });
  }

  function draw() {
    look();
    const { mode } = face;
    const set = setOf(view);
    const isRun = mode === "running" || mode === "starting" || mode === "stopping";
    mark(document.body, "data-lock", lock.now);
    mark(work, "data-stop", app.stop.state.phase);
    mark(surface, "data-touch", face.touch);
    drawNumbers(mode, set, isRun);
    say(word, t(`work.mode.${mode}`));
    say(why, whyOf(mode, set));
    mark(surface, "aria-label", `${word.textContent}. ${big.textContent} ${of.textContent}. ${why.textContent}`.trim());
    again.node.hidden = mode !== "hold";
    // Held while they rest, it wakes them: the daemon says that it did.
    again.node.disabled = Boolean(view?.problems.length) && !restOf(view);
    take.hidden = mode !== "lead";
    // Spoken only when it changes, and never the counting.
    say(spoken, mode === "running" || mode === "cooldown" ? "" : why.textContent);
    const isLocked = Boolean(lock.now);
    top.box.inert = line.inert = isLocked;
    drawSide(mode, isRun);
    drawLine();
  }

  function drawNumbers(mode, set, isRun) {
    const known = view !== null;
    const passes = isRun ? (set?.pacing.passes ?? null) : pace.plan.passes;
    if (!known) say(big, "–");
    else if (isRun) say(big, String(isOn(set) || set?.state === "stopping" ? set.passes_done : 0));
    else say(big, mode === "hold" || mode === "cooldown" ? String(set?.passes_done ?? "–") : passes === null ? t("work.open") : String(passes));
    if (!known) say(of, "");
    else if (isRun || mode === "hold" || mode === "cooldown") {
      const planned = isRun ? passes : (set?.pacing.passes ?? null);
      say(of, planned === null ? t("work.done_open") : tn("work.done_of", planned));
    } else say(of, pace.planned());
    const ms = set && known ? set.elapsed_ms + (set.state === "running" ? performance.now() - view.heardAt : 0) : 0;
    const isOfSet = isRun || mode === "hold" || mode === "cooldown";
    say(time, isOfSet ? spanOf(ms) : lastOf(set));
    mark(time, "data-last", !isOfSet);
  }

  function lastOf(set) {
    if (!set || set.state !== "ended") return "";
    const last = t("work.last", { passes: tn("work.passes_n", set.passes_done), span: spanOf(set.elapsed_ms) });
    const isOthers = (set.ended_reason === "stop" || set.ended_reason === "soft") && set.ended_by !== app.me.label;
    return isOthers ? `${last} · ${t("work.last_by", { by: set.ended_by })}` : last;
  }

  function whyOf(mode, set) {
    if (refused) return refused;
    // What keeps the room from tapping stands in the line of trouble.
    if (mode === "hold") return endOf(set);
    if (mode === "lead") {
      const lead = t("work.lead_has", { label: view.session.lead });
      return app.past.isLost || needsHold(set) ? `${endOf(set)} ${lead}` : lead;
    }
    return "";
  }

  function endOf(set) {
    if (app.past.isLost || !set) return t("work.ended.daemon");
    const key = `work.ended.${set.ended_reason}`;
    const side = set.ended_side ? t(`side.${set.ended_side}`) : "";
    return has(key) ? t(key, { side }) : t("work.ended.fault", { side });
  }

  function drawSide(mode, isRun) {
    // For the moment in which nothing is known, nothing moves either.
    mark(side, "data-away", view === null);
    side.inert = view === null || Boolean(lock.now);
    if (view === null) return;
    const now = session();
    const isNoting = Boolean(now) && app.commands;
    pace.box.hidden = !app.commands;
    ratings.box.hidden = !isNoting;
    // Kept in its place while a set runs: nothing moves under the hand. It takes touches a second after.
    mark(ratings.box, "data-away", isRun);
    ratings.box.inert = isRun || mode === "cooldown";
    marks.box.hidden = !(isNoting || (now && app.me.notes));
    marks.part.hidden = marks.marks.hidden = !isNoting;
    without.hidden = Boolean(now) || !app.commands;
    if (now) ratings.show(now);
  }

  // One line for what the clinic wants to be reminded of, or for a session that seems forgotten.
  function drawLine() {
    const found = lineOf();
    const key = found?.key ?? "";
    if (line.dataset.key === key) return;
    line.dataset.key = key;
    line.hidden = !found;
    const [text, acts] = line.children;
    say(text, found?.text ?? "");
    acts.replaceChildren(...(found?.acts ?? []));
  }

  function lineOf() {
    const now = session();
    if (!now || !app.commands) return null;
    if (now.asks_if_forgotten)
      return {
        key: "forgotten",
        text: t("work.forgotten"),
        acts: [button(t("work.still_here"), { onclick: () => entries.ask("keep") }), button(t("work.close"), { onclick: menu.close })],
      };
    for (const [at, reminder] of (settings.reminders ?? []).entries()) {
      if (reminder.kind && reminder.kind !== now.kind) continue;
      const from = reminder.after_mark ? now.marks.find((one) => one.mark === reminder.after_mark)?.at : now.opened_at;
      const key = `${now.id} ${at} ${from}`;
      if (!from || dismissed.has(key) || Date.now() - Date.parse(from) < reminder.after_min * 60000) continue;
      const done = () => {
        dismissed.add(key);
        app.render();
      };
      return { key, text: reminder.text, acts: [button(t("work.reminded"), { onclick: done })] };
    }
    return null;
  }

  // -- life ----------------------------------------------------------------------------------------------

  const rest = stayAwake((works) => (isAwake = works));
  if (app.commands)
    api.get("/settings").then(
      (found) => (settings = found),
      (error) => {
        if (error.name !== "Refusal") throw error;
        // Without them there is nothing to remind of; a daemon that is gone says so by itself.
      },
    );
  surface.focus({ preventScroll: true });

  return {
    update(next) {
      if (next && !isWoken && app.commands) wake(room);
      isWoken ||= next !== null;
      view = next;
      pace.update(next);
      top.update(next);
      draw();
    },
    event(happened) {
      pace.event(happened);
    },
    key: onKey,
    leave() {
      cancelAnimationFrame(frame);
      clearTimeout(refusedTimer);
      pace.leave();
      top.leave();
      rest();
      mark(document.body, "data-lock", null);
    },
  };
}
