// What a person notes in a session: sent, said back, and for ten seconds taken back by one touch.

import { api, roomPath } from "./api.js";
import { answer } from "./sound.js";
import { t } from "./text.js";

const UNDO_MS = 10000;

/** Makes the way to note things in `room`. */
export function makeEntries(app, room) {
  const path = roomPath(room, "/session");

  /**
   * Notes one thing; `words` say it back. `agoMs`: how long ago it was; `asks`: what is said with it, in the
   * colour of something to look at. Gives whether it is kept.
   */
  async function enter(type, data, words, { agoMs = 0, asks = "" } = {}) {
    const body = { type, data };
    if (agoMs) body.at = new Date(Date.now() - agoMs).toISOString();
    let made;
    try {
      made = await api.post(`${path}/entries`, body);
    } catch (error) {
      if (error.name !== "Refusal") throw error;
      app.toast(t("work.unkept", { what: words, why: app.wordsOf(error) }), { tone: "warn", ms: UNDO_MS });
      return false;
    }
    answer("noted");
    const text = asks ? `${words}. ${asks}` : words;
    app.toast(text, { action: t("work.undo"), act: () => undo(made.id, words), tone: asks ? "warn" : "", ms: UNDO_MS });
    return true;
  }

  async function undo(id, words) {
    try {
      await api.post(`${path}/undo`, { entry: id });
      app.toast(t("work.undone", { what: words }));
    } catch (error) {
      if (error.name !== "Refusal") throw error;
      app.toast(app.wordsOf(error), { tone: "warn" });
    }
  }

  /** Asks something of the session: `lead`, `keep`, `close`. Gives whether it was done. */
  async function ask(what, body = {}) {
    try {
      await api.post(`${path}/${what}`, body);
      return true;
    } catch (error) {
      if (error.name !== "Refusal") throw error;
      app.toast(app.wordsOf(error), { tone: "warn" });
      return false;
    }
  }

  return { enter, ask };
}
