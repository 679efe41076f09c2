// The therapist's own confirmations: a soft tone, or the device's buzz. Off until chosen, and never sudden.

import { pref } from "./prefs.js";

const FADE_IN_S = 0.2;
const HOLD_S = 0.08;
const FADE_OUT_S = 0.35;
const LOUDEST = 0.25; // of full scale, whatever is chosen

// Two notes each, in Hz: what began rises, what ended falls, what is wrong stays low.
const TONES = { start: [392, 523], stop: [523, 392], noted: [523, 523], trouble: [262, 247] };
const BUZZES = { start: [60], stop: [60, 80, 60], noted: [25], trouble: [200, 120, 200] };

const ONCE_MS = 1500; // the same thing, heard of by two roads, is answered once

let context = null;
let last = { kind: "", at: 0 };

/** Whether this browser can buzz. (iPads and iPhones cannot.) */
export const canBuzz = typeof navigator.vibrate === "function";

/** Readies the sound, in a touch or a key press: browsers allow it nowhere else. Does nothing unless chosen. */
export function readySound() {
  if (!pref("sound", false)) return;
  context ??= new AudioContext({ latencyHint: "interactive" });
  if (context.state !== "running") context.resume().catch(() => {});
}

/** Answers with the tone and the buzz that are chosen for `kind`: start, stop, noted or trouble. */
export function answer(kind) {
  const now = performance.now();
  if (kind === last.kind && kind !== "noted" && now - last.at < ONCE_MS) return;
  last = { kind, at: now };
  if (pref("sound", false) && context?.state === "running") play(TONES[kind]);
  if (pref("buzz", false) && canBuzz) navigator.vibrate(BUZZES[kind]);
}

function play(notes) {
  const loud = LOUDEST * Math.min(1, Math.max(0, pref("volume", 0.4)));
  notes.forEach((hz, at) => {
    const begin = context.currentTime + at * (FADE_IN_S + HOLD_S);
    const voice = new OscillatorNode(context, { type: "sine", frequency: hz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(loud, begin + FADE_IN_S);
    gain.gain.setValueAtTime(loud, begin + FADE_IN_S + HOLD_S);
    gain.gain.linearRampToValueAtTime(0, begin + FADE_IN_S + HOLD_S + FADE_OUT_S);
    voice.connect(gain).connect(context.destination);
    voice.start(begin);
    voice.stop(begin + FADE_IN_S + HOLD_S + FADE_OUT_S + 0.02);
  });
}
