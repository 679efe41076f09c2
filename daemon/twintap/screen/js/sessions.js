/** `#/sessions`: the visits, the newest first; all of them, or those under one client's code. */
import { api } from "./api.js";
import { keepCode } from "./course.js";
import { el, fill, put } from "./dom.js";
import { attempt, button, codeInput, field, form, head, outcome, table } from "./forms.js";
import { t } from "./text.js";
import { count, kind, moment } from "./words.js";

const PAGE = 50;

export function mount(root, app) {
  const code = codeInput("search");
  const coded = field(t("sessions.code"), code, { hint: t("sessions.code_hint") });
  const said = outcome();
  const send = button(t("sessions.search"), null, { tone: "main", type: "submit" });
  const all = button(t("sessions.all"), showAll, { hidden: true });
  const course = button(t("sessions.course"), toCourse, { hidden: true });
  const body = el("tbody");
  const list = el(
    "table",
    { class: "cards" },
    head("sessions", ["when", "code", "kind", "room", "sets", "ratings", "state"]),
    body,
  );
  const more = button(t("sessions.more"), () => load(), { hidden: true });
  const state = el("p", { class: "quiet", role: "status" }, t("sessions.asking"));
  let oldest = null;
  let searched = null;

  async function showAll() {
    searched = null;
    code.value = "";
    all.hidden = course.hidden = true;
    oldest = null;
    fill(body);
    await load();
  }

  /** One more page, of everyone's sessions or of the client's that is searched for. */
  async function load() {
    await attempt(more, said, async () => append(await page()));
  }

  function page() {
    const before = oldest ? { before: oldest } : {};
    if (searched) return api.post("/sessions/search", { code: searched, limit: PAGE, ...before });
    return api.get(`/sessions?${new URLSearchParams({ limit: String(PAGE), ...before })}`);
  }

  function append(rows) {
    put(body, rows.map(row));
    oldest = rows.at(-1)?.id ?? oldest;
    more.hidden = rows.length < PAGE;
    tell();
  }

  async function search() {
    const text = code.value.trim();
    if (!text) return showAll();
    return attempt(
      send,
      said,
      async () => {
        oldest = null;
        searched = text;
        const rows = await page();
        searched = rows[0]?.code ?? text;
        fill(body);
        append(rows);
        all.hidden = false;
        course.hidden = rows.length === 0 || !app.commands;
      },
      { code: coded },
    );
  }

  function tell() {
    const n = body.children.length;
    table(list).hidden = n === 0;
    state.textContent = n ? count("sessions.n", n) : t(searched ? "sessions.none_of" : "sessions.none");
  }

  function toCourse() {
    keepCode(searched);
    app.go("#/course");
  }

  put(root, 
    el("main", { class: "page sessions", id: "main" },
      el("h1", {}, t("sessions.title")),
      el("div", { class: "panel" }, form(search, el("div", { class: "ask" }, coded.box, el("div", { class: "row" }, send, course, all)), said.box)),
      state,
      list,
      el("div", { class: "row" }, more)),
  );
  load();
  return { update() {}, leave() {} };
}

function row(session) {
  const cell = (name, text) => el("td", { "data-label": t(`sessions.${name}`) }, text);
  const ratings = [
    session.last_sud == null ? null : t("sessions.sud", { first: session.first_sud, last: session.last_sud }),
    session.last_voc == null ? null : t("sessions.voc", { last: session.last_voc }),
  ].filter(Boolean);
  const state = session.erased
    ? t("sessions.erased")
    : !session.closed_at
      ? t("sessions.open")
      : t(session.closed_reason === "forgotten" ? "sessions.forgotten" : "sessions.closed");
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: `#/session/${session.id}` }, moment(session.opened_at, session.zone))),
    cell("code", session.code ?? "–"),
    cell("kind", session.kind ? kind(session.kind) : "–"),
    cell("room", session.room),
    cell("sets", String(session.sets)),
    cell("ratings", ratings.join(" · ") || "–"),
    cell("state", state),
  );
}
