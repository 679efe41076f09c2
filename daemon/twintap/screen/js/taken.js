/** What was taken over from a client's last visit, by the visit that took it. In memory alone: it goes with the tab. */

const held = new Map();

/** Keeps the pacings that were taken over for a session: {phase or "any": pacing}. */
export function keepTaken(sessionId, pacings) {
  held.clear(); // one tab works on one visit
  held.set(sessionId, pacings);
}

/** The pacings that were taken over for a session, by phase (`any`: outside phases); {} if there are none. */
export const pacingsTaken = (sessionId) => held.get(sessionId) ?? {};
