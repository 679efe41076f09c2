// Stop. It leaves over the open line and, in the same moment, by a request of its own; it needs no state, no
// answer to anything else, and no second touch.

import { Refusal, stopByFetch } from "./api.js";

const SLOW_MS = 300;
const RED_MS = 1200;
// Asked again while nothing has confirmed it. Not for longer: a stop that arrives late would end another set.
const AGAIN_MS = [150, 300, 600, 1200, 2000, 3000, 4000, 5000];

/**
 * Makes the stopper. `changed(state)` is told of each step: `phase` is idle, sent, slow or red, `silent` the
 * daemon's word if a pulser did not confirm. `ended()`: once, when a stop has been confirmed.
 */
export function makeStop(live, { changed, ended }) {
  let state = idle();
  let timers = [];

  function set(next) {
    state = { ...state, ...next };
    changed(state);
  }

  function calm() {
    timers.forEach(clearTimeout);
    timers = [];
  }

  /** Stops `room`: now, whatever else is going on. */
  function press(room) {
    const isNew = state.phase === "idle" || state.room !== room;
    send(room);
    if (!isNew) return;
    calm();
    const seen = live.room(room)?.set ?? null;
    const setId = isOn(seen) ? seen.set_id : null;
    state = { phase: "sent", room, setId, silent: null, sentAt: performance.now() };
    changed(state);
    timers = AGAIN_MS.map((ms) => setTimeout(() => send(room), ms));
    timers.push(setTimeout(() => set({ phase: "slow" }), SLOW_MS));
    timers.push(setTimeout(() => set({ phase: "red" }), RED_MS));
  }

  function send(room) {
    live.post({ do: "stop", room });
    stopByFetch(room).then(
      () => confirm(room),
      (error) => refused(room, error),
    );
  }

  function confirm(room) {
    if (state.phase === "idle" || state.room !== room) return;
    calm();
    set(idle());
    ended();
  }

  function refused(room, error) {
    // No answer at all: the timers say what there is to say. A refusal says more.
    if (!(error instanceof Refusal) || state.phase === "idle" || state.room !== room) return;
    set({ silent: error.words });
  }

  // What the line says of the room since then counts as an answer too; and a set that goes on after all is
  // stopped again, but no other one.
  function look() {
    if (state.phase === "idle") return;
    const room = live.room(state.room);
    if (!room || room.heardAt <= state.sentAt) return;
    if (isOn(room.set)) {
      if (state.setId !== null && room.set.set_id !== state.setId) confirm(state.room);
      else if (state.phase === "red") send(state.room);
    } else if (room.set?.state !== "stopping" && (state.setId !== null || state.phase === "red")) {
      confirm(state.room);
    }
  }

  live.on(look);
  return {
    press,
    /** Takes the red page away; what it says may still be so. */
    dismiss() {
      calm();
      set(idle());
    },
    get state() {
      return state;
    },
  };
}

/** So long after a set has ended nothing starts: a finger on its way to stop must not. */
export const COOLDOWN_MS = 1000;

/** The reasons for which a set ends as somebody in the room meant it to. */
export const MEANT = new Set(["stop", "soft", "finished", "longest"]);

/** Whether a set moves motors, or is about to. */
export function isOn(set) {
  return set?.state === "starting" || set?.state === "running";
}

function idle() {
  return { phase: "idle", room: null, setId: null, silent: null, sentAt: 0 };
}
