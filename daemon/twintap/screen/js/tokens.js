/** Who has a way in: the tokens that were given out, and the end of each. This computer's own token may look. */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { attempt, head, outcome, table, twice } from "./forms.js";
import { t } from "./text.js";
import { moment } from "./words.js";

/** A panel with the tokens that hold, those of `room` alone if it is given. */
export function tokensPanel({ room = null } = {}) {
  const said = outcome();
  const body = el("tbody");
  const list = el(
    "table",
    { class: "cards" },
    head("settings.tokens", ["label", "role", "rooms", "since", "until", "act"]),
    body,
  );
  const none = el("p", { class: "quiet" }, t("settings.tokens.asking"));
  const box = el(
    "section",
    { class: "panel", "aria-labelledby": "tokens" },
    el("h2", { id: "tokens" }, t("settings.tokens.title")),
    el("p", {}, t("settings.tokens.words")),
    none,
    list,
    said.box,
  );

  async function look() {
    const tokens = await api.get("/tokens");
    const now = Date.now();
    const held = tokens.filter(
      (token) =>
        !token.revoked_at &&
        !(token.expires_at && new Date(token.expires_at).getTime() <= now) &&
        (room == null || token.rooms == null || token.rooms.includes(room)),
    );
    none.hidden = held.length > 0;
    none.textContent = t("settings.tokens.none");
    fill(body, ...held.map(row));
    table(list).hidden = held.length === 0;
  }

  function row(token) {
    const cell = (name, text) => el("td", { "data-label": t(`settings.tokens.${name}`) }, text);
    const revoke = twice(
      t("settings.tokens.revoke"),
      t("settings.tokens.revoke_again"),
      (control) =>
        attempt(control, said, async () => {
          await api.del(`/tokens/${token.id}`);
          said.say(t("settings.tokens.revoked", { label: token.label }));
          await look();
        }),
      { tone: "small", "aria-label": t("settings.tokens.revoke_of", { label: token.label }) },
    );
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, token.label),
      cell("role", t(`settings.role.${token.role}`)),
      cell("rooms", token.rooms == null ? t("settings.tokens.all") : token.rooms.join(", ")),
      cell("since", moment(token.created_at)),
      cell("until", token.expires_at ? moment(token.expires_at) : t("settings.tokens.never")),
      el("td", {}, token.role === "admin" && !token.expires_at ? t("settings.tokens.own") : revoke),
    );
  }

  attempt(list, said, look);
  return box;
}
