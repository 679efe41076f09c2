// How a tone sounds. A tone rises softly, is heard on one side, and is over before the next one begins.

const RISE_S = 0.02;
const RELEASE_S = 0.01;
const SHORTEST_S = 0.08;
const FAINT = 0.004; // where a tone that dies away may be cut off

/** The loudest that the tones of a set ever become, of full scale: about -10 dB. */
export const PEAK = 0.3;

/** `hz`: the pitch. `parts`: how many times the pitch, how loud (together at most 1), how long in s. */
export const TIMBRES = {
  soft: { hz: 330, parts: [[1, 1, 0.3]] },
  wood: { hz: 262, parts: [[1, 0.8, 0.24], [3.93, 0.2, 0.09]] },
  bell: { hz: 523, parts: [[1, 0.62, 0.5], [2, 0.24, 0.36], [3.01, 0.14, 0.2]] },
  low: { hz: 147, parts: [[1, 0.75, 0.32], [2, 0.25, 0.2]] },
};

/**
 * Puts one tone on `side` into `context` at `atS` of its time, playing into `out`. `longestS`: when it has to be
 * over. Gives `{ endS, cancel(fromS) }`; `cancel` before it has begun leaves nothing to be heard.
 */
export function makeTone(context, out, timbre, side, atS, longestS) {
  const { hz, parts } = TIMBRES[timbre];
  const panner = new StereoPannerNode(context, { pan: side === "left" ? -1 : 1 });
  panner.connect(out);
  const longest = Math.max(...parts.map(([, , lengthS]) => lengthS));
  const scale = Math.min(1, Math.max(SHORTEST_S, longestS) / longest);
  const sounding = parts.map(([times, loud, lengthS]) => {
    const endS = atS + Math.max(SHORTEST_S, lengthS * scale);
    const envelope = new GainNode(context, { gain: 0 });
    envelope.gain.setValueAtTime(0, atS);
    envelope.gain.linearRampToValueAtTime(loud, atS + RISE_S);
    envelope.gain.exponentialRampToValueAtTime(loud * FAINT, endS - RELEASE_S);
    envelope.gain.linearRampToValueAtTime(0, endS);
    const voice = new OscillatorNode(context, { frequency: hz * times });
    voice.connect(envelope).connect(panner);
    voice.start(atS);
    voice.stop(endS);
    return { voice, endS };
  });
  const last = sounding.reduce((one, two) => (two.endS > one.endS ? two : one));
  last.voice.onended = () => panner.disconnect();
  return {
    endS: last.endS,
    cancel(fromS) {
      for (const { voice } of sounding) voice.stop(fromS);
    },
  };
}
