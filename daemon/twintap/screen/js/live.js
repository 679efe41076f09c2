// The open line to the daemon: every event as it happens, and commands on the same line.
//
// What a room is like is known only from this line, and only while it is known to be alive: after a tablet's
// sleep, a lost network, a daemon that went, nothing is known until a new line has brought a new snapshot.

import { Refusal } from "./api.js";

const PING_EVERY_MS = 1000;
const DEAD_AFTER_MS = 3000; // the daemon answers a ping at once: three in a row did not come back
const AWAY_MS = 2500; // a timer of one second that comes so late: the page was asleep
const BACK_OFF_MS = [0, 200, 500, 1000, 2000, 3000];
const ANSWER_MS = 8000;
const NO_TOKEN = 4401;

/**
 * Makes the line. `present()` gives the room in which this controller is to count as present, or null.
 * Nothing is opened before `open()`.
 */
export function makeLive(present = () => null) {
  const listeners = new Set();
  const rooms = new Map();
  const waiting = new Map();
  let socket = null;
  let isFresh = false;
  let isRefused = false;
  let isWanted = false;
  let tries = 0;
  let lastId = 0;
  let heardAt = 0;
  let lostAt = performance.now();
  let lookedAt = performance.now();
  let retry = 0;

  function tell(event = null) {
    for (const listener of [...listeners]) listener(event);
  }

  function open() {
    isWanted = true;
    clearTimeout(retry);
    drop();
    const line = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/watch`);
    socket = line;
    heardAt = performance.now();
    line.onopen = () => line === socket && ping();
    line.onmessage = (message) => line === socket && take(message.data);
    line.onclose = (closing) => line === socket && lost(closing.code === NO_TOKEN);
    tell();
  }

  // Ends the line that is, if any: what was known by it is not known any more.
  function drop() {
    const line = socket;
    socket = null;
    if (isFresh) lostAt = performance.now();
    isFresh = false;
    rooms.clear();
    for (const { fail } of [...waiting.values()]) fail();
    waiting.clear();
    if (line) {
      line.onopen = line.onmessage = line.onclose = null;
      line.close();
    }
  }

  function lost(noToken) {
    drop();
    isRefused = noToken;
    if (isWanted && !noToken) {
      const wait = BACK_OFF_MS[Math.min(tries++, BACK_OFF_MS.length - 1)];
      retry = setTimeout(open, wait);
    }
    tell();
  }

  function take(text) {
    heardAt = performance.now();
    const message = JSON.parse(text);
    if (typeof message.type === "string" && message.state) {
      isFresh = true;
      tries = 0;
      rooms.set(message.room, { ...message.state, heardAt });
      tell(message);
    } else if ("ok" in message) {
      const waiter = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.ok) waiter?.done(message.room ?? null);
      else waiter?.fail(new Refusal(message.error));
      if (!isFresh) {
        // A daemon without rooms sends no snapshot; its answer to the first ping says as much.
        isFresh = true;
        tries = 0;
        tell();
      }
    }
  }

  function post(command) {
    if (socket?.readyState !== WebSocket.OPEN) return 0;
    const id = ++lastId;
    socket.send(JSON.stringify({ id, ...command }));
    return id;
  }

  /** Sends a command; gives the room as it is after it, or fails with a `Refusal`. */
  function send(command) {
    const id = post(command);
    if (!id) return Promise.reject(unreachable());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(), ANSWER_MS);
      const fail = (error = unreachable()) => {
        clearTimeout(timer);
        waiting.delete(id);
        reject(error);
      };
      const done = (room) => {
        clearTimeout(timer);
        resolve(room);
      };
      waiting.set(id, { done, fail });
    });
  }

  function ping() {
    const room = present();
    send(room ? { do: "ping", room } : { do: "ping" }).catch(() => {});
  }

  function look() {
    const now = performance.now();
    const away = now - lookedAt > AWAY_MS;
    lookedAt = now;
    if (!isWanted || isRefused) return;
    if (away && !document.hidden) open();
    else if (socket && now - heardAt > DEAD_AFTER_MS) lost(false);
    else if (socket) ping();
  }

  function wake() {
    lookedAt = performance.now();
    if (isWanted && !isRefused && !document.hidden) open();
  }

  setInterval(look, PING_EVERY_MS);
  document.addEventListener("visibilitychange", wake);
  document.addEventListener("resume", wake);
  window.addEventListener("pageshow", (event) => event.persisted && wake());
  window.addEventListener("online", wake);

  return {
    open,
    close() {
      isWanted = false;
      isRefused = false; // it was told once, and whoever closes the line knows it
      clearTimeout(retry);
      drop();
      tell();
    },
    /** The room as it is, with `heardAt` (performance.now()); null while that is not known. */
    room: (name) => (isFresh ? (rooms.get(name) ?? null) : null),
    /** Every room that this controller may watch; null while that is not known. */
    rooms: () => (isFresh ? [...rooms.values()] : null),
    get isFresh() {
      return isFresh;
    },
    /** The daemon does not know this browser (any more). */
    get isRefused() {
      return isRefused;
    },
    /** How long nothing has been known, in ms; 0 while something is. */
    get lostMs() {
      return isFresh ? 0 : performance.now() - lostAt;
    },
    /** Calls `fn(event)` for each event, and `fn(null)` when the line itself changed. Gives the way to end it. */
    on(fn) {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
    send,
    /** Puts a command on the line if there is one, and waits for nothing. */
    post,
  };
}

function unreachable() {
  return new Refusal({ code: "unreachable", message: "no answer" });
}
