// The daemon's HTTP API. The browser proves itself by its cookie; no token is ever in a script's hands.

import { has, t } from "./text.js";

const BASE = "/api/v1";
const WITHIN_MS = 15000;

/** The daemon said no, or nothing. `code`, `message` and `field` as the API describes them. */
export class Refusal extends Error {
  constructor({ code, message, field = null, side = null, retry_after_ms = null }, status = 0) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.field = field;
    this.side = side;
    this.retryAfterMs = retry_after_ms;
    this.status = status;
  }

  /** In our words where we have some for its code; the daemon's own otherwise. */
  get words() {
    const key = `refusal.${this.code}`;
    return has(key) ? t(key, { side: this.side ? t(`side.${this.side}`) : "" }) : this.message;
  }
}

export const api = {
  get: (path) => ask("GET", path),
  post: (path, body = {}, withinMs = WITHIN_MS) => ask("POST", path, body, withinMs),
  put: (path, body) => ask("PUT", path, body),
  patch: (path, body) => ask("PATCH", path, body),
  del: (path) => ask("DELETE", path),
};

/** The path of something that belongs to a room. */
export function roomPath(room, rest = "") {
  return `/rooms/${encodeURIComponent(room)}${rest}`;
}

/** Wakes a room's pulsers, should they rest. Whether they woke, the room itself tells. */
export function wake(room) {
  return api.post(roomPath(room, "/wake")).catch((error) => {
    if (error.name !== "Refusal") throw error;
  });
}

/** The address of a path of the API, for a link or a download. */
export function urlOf(path) {
  return BASE + path;
}

/** What a request has to say against a stop that has to leave now: no wait, no queue, no body to read. */
export function stopByFetch(room) {
  return fetch(BASE + roomPath(room, "/set/stop"), {
    method: "POST",
    keepalive: true,
    cache: "no-store",
    credentials: "same-origin",
  }).then(read);
}

async function ask(method, path, body, withinMs = WITHIN_MS) {
  const options = { method, cache: "no-store", credentials: "same-origin", headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), withinMs);
  try {
    return await read(await fetch(BASE + path, { ...options, signal: ending.signal }));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal({ code: "unreachable", message: String(error) });
  } finally {
    clearTimeout(timer);
  }
}

async function read(answer) {
  if (answer.status === 204) return null;
  const text = await answer.text();
  let found = null;
  try {
    found = text ? JSON.parse(text) : null;
  } catch (error) {
    if (answer.ok) return text;
    throw new Refusal({ code: "http", message: `${answer.status} ${error.message}` }, answer.status);
  }
  if (!answer.ok) throw new Refusal(found?.error ?? { code: "http", message: String(answer.status) }, answer.status);
  return found;
}
