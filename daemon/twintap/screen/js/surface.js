// What the surface shows, and what a touch on it means. Decided from values alone; nothing here is drawn.

import { COOLDOWN_MS, isOn, MEANT } from "./stop.js";

export const HOLD_MS = 1000;

/** The room's set, unless it was over before the session began: that was another visit's, and is not shown. */
export function setOf(room) {
  const set = room?.set ?? null;
  const isOlder = set?.state === "ended" && room.session && Date.parse(set.started_at) < Date.parse(room.session.opened_at);
  return isOlder ? null : set;
}

/** Whether the last set ended as nobody had meant it to: then one looks first, and a held control starts again. */
export function needsHold(set) {
  return set !== null && set.state === "ended" && !MEANT.has(set.ended_reason);
}

/** Whether the room's pulsers rest, or are waking, and nothing else keeps it from tapping: "", resting or waking. */
export function restOf(room) {
  if (!room.problems.length || room.problems.some((one) => one.code !== "waking")) return "";
  return [room.left, room.right].some((one) => one?.power === "drowsy") ? "resting" : "waking";
}

/**
 * What is shown: {mode, touch, revision}. `touch` is what a touch does: stop, start, wake or nothing.
 *
 * `room`: as it is, or null while that is not known. `commands`: may this browser command? `label`: who it is.
 * `isStarting`: a start is on its way. `stopPhase`: of the stopper. `endedAt`: when a set was last seen to
 * end, `wokenAt`: when a touch here woke the pulsers, `now`: all of performance.now(). `lock`: null, wipe or screen. `isLost`: a set that ran was gone when
 * the daemon came back.
 */
export function faceOf({ room, commands, label, isStarting, stopPhase, endedAt, wokenAt = null, now, lock, isLost }) {
  const face = (mode, touch) => ({ mode, touch, revision: room?.revision ?? null });
  if (!room) return face("connecting", "stop");
  const set = setOf(room);
  if (stopPhase !== "idle" || set?.state === "stopping") return face("stopping", "stop");
  if (set?.state === "running") return face("running", "stop");
  if (isOn(set) || isStarting) return face("starting", "stop");
  if (!commands) return face("watching", "nothing");
  if (lock) return face("locked", "nothing");
  if (room.session && room.session.lead !== label) return face("lead", "nothing");
  if (needsHold(set) || isLost) return face("hold", "nothing");
  if (endedAt !== null && now - endedAt < COOLDOWN_MS) return face("cooldown", "nothing");
  const rest = restOf(room);
  const isWoken = wokenAt !== null && now - wokenAt < COOLDOWN_MS;
  if (rest && !isWoken) return face(rest, rest === "resting" ? "wake" : "nothing");
  if (room.problems.length && !rest) return face("unready", "nothing");
  // A finger that taps twice to wake them does not start a set by its second touch.
  if (isWoken) return face("waking", "nothing");
  return face("idle", "start");
}
