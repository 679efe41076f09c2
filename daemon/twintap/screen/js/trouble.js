// One line in words when something is wrong; nothing when all is well.

import { mark, say } from "./dom.js";
import { has, t, tn } from "./text.js";

const PATIENCE_MS = 1500; // a line that comes back within this is no trouble

/** A problem of a room in our words, or in the daemon's where we have none for its code. */
export function wordsOf(problem) {
  const key = `trouble.${problem.code}`;
  return has(key) ? t(key, { side: problem.side ? t(`side.${problem.side}`) : "" }) : problem.message;
}

/**
 * What there is to say, worst first, each {tone, text}: `bad` keeps from tapping, `warn` does not. `room`: null
 * if it is not known; `withProblems`: also what keeps the room from tapping.
 */
export function troubles(live, room, withProblems) {
  if (!live.isFresh) {
    if (live.lostMs < PATIENCE_MS) return [];
    return [{ tone: "bad", text: t("trouble.unreachable") }];
  }
  const found = [];
  const seen = new Set();
  const add = (tone, problem) => {
    const text = wordsOf(problem);
    if (!seen.has(text)) found.push({ tone, text });
    seen.add(text);
  };
  if (room && withProblems) for (const problem of room.problems) add(problem.code === "waking" ? "quiet" : "warn", problem);
  for (const problem of room?.troubles ?? []) add("warn", problem);
  return found;
}

/** Writes the line: the first of them, and how many more there are. Gives whether it is another one. */
export function showTroubles(node, found) {
  const [first, ...more] = found;
  mark(node, "data-tone", first?.tone ?? null);
  const before = node.textContent;
  say(node, first ? first.text + (more.length ? ` ${tn("trouble.more", more.length)}` : "") : "");
  return node.textContent !== before;
}
