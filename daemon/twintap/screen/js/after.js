/** `#/session/ID`: one visit as it was: its sets, ratings and entries, put right by later ones; plan, report, export. */
import { api } from "./api.js";
import { corrector } from "./correct.js";
import { el, fill, put } from "./dom.js";
import { attempt, button, codeInput, facts, field, form, head, outcome, table, twice } from "./forms.js";
import { plotOf, setsTable } from "./sets.js";
import { ENTRIES, isGone, remarks, said, SHOWN, stateOf } from "./story.js";
import { t } from "./text.js";
import { clock, count, day, kind } from "./words.js";

const FORMATS = ["html", "jsonl", "csv", "bids"];

export function mount(root, app, params) {
  const id = params.id;
  const path = `/sessions/${encodeURIComponent(id)}`;
  const may = app.commands;
  const asking = el("p", { class: "waiting", role: "status" }, t("after.asking"));
  const main = el("main", { class: "page after", id: "main" }, asking);
  put(root, main);
  let gone = false;
  let held = null; // the visit as it was last drawn

  async function look({ focus = null } = {}) {
    let found;
    try {
      found = await api.get(path);
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      if (!gone) fill(main, el("h1", {}, t("after.title")), el("p", { role: "alert" }, refusal.words), backLink());
      return;
    }
    if (gone) return;
    held = found.session;
    show(found);
    if (focus) main.querySelector(focus)?.focus();
  }

  function show({ session, entries, sets }) {
    const zone = session.zone;
    const state = stateOf(entries);
    const isOpen = !session.closed_at;
    fill(main, 
      backLink(),
      el("h1", { tabindex: "-1" }, heading(session)),
      session.erased ? el("p", { class: "known warn" }, t("after.erased")) : summary(session, zone),
      isOpen && may ? closing(session) : null,
      session.erased
        ? null
        : [
            el("div", { class: "after-columns" }, isOpen ? null : planOf(state), exports()),
            plotOf(session, state, sets, zone),
            setsTable(sets, zone),
            entriesTable(state, zone),
            may ? moving(session) : null,
          ],
    );
  }

  function heading(session) {
    const when = day(session.opened_at, session.zone);
    return session.kind
      ? t("after.heading", { kind: kind(session.kind), day: when })
      : t("after.heading_erased", { day: when });
  }

  const backLink = () => el("a", { class: "back", href: "#/sessions" }, t("after.back"));

  function summary(session, zone) {
    const until = session.closed_at ? clock(session.closed_at, zone) : t("after.still_open");
    const sets = count("after.sets_n", session.sets);
    const passes = count("after.passes_n", session.passes);
    const { first_sud: first, last_sud: last } = session;
    return facts(
      [
        [t("after.code"), session.code],
        [t("after.when"), t("after.from_to", { from: clock(session.opened_at, zone), to: until })],
        [t("after.room"), session.room],
        [t("after.sets"), t("after.sets_of", { sets, passes })],
        last == null ? null : [t("after.sud_label"), t("after.from_last", { first, last })],
        session.last_voc == null ? null : [t("after.voc_label"), String(session.last_voc)],
        session.closed_reason === "forgotten" ? [t("after.closed"), t("after.forgotten")] : null,
      ],
      "broad",
    );
  }

  function closing(session) {
    const text = el("textarea", { rows: 4, maxlength: 4000 });
    const planned = field(t("after.plan"), text, { hint: t("after.plan_hint") });
    const went = outcome();
    const room = `/rooms/${encodeURIComponent(session.room)}`;
    const send = button(t("after.close"), null, { tone: "main tall", type: "submit" });
    return el(
      "section",
      { class: "panel closing", "aria-labelledby": "closing" },
      el("h2", { id: "closing" }, t("after.close_title")),
      form(
        () =>
          attempt(
            send,
            went,
            async () => {
              const plan = text.value.trim();
              await api.post(`${room}/session/close`, plan ? { plan } : {});
              await look({ focus: "h1" });
            },
            { plan: planned },
          ),
        planned.box,
        el(
          "div",
          { class: "row" },
          send,
          el("a", { class: "button", href: `#/work/${encodeURIComponent(session.room)}` }, t("after.go_on")),
        ),
        went.box,
      ),
    );
  }

  function planOf(state) {
    const plan = state.findLast((one) => one.type === "plan.written" && !isGone(one));
    const words = el("p", { class: "own-words" }, plan ? plan.data.text : t("after.no_plan"));
    return el("section", { class: "panel" }, el("h2", {}, t("after.plan")), words, may ? planning(plan?.data.text ?? "") : null);
  }

  // A session that closed by itself had nobody to say it; and one thinks of more on the way home.
  function planning(before) {
    const text = el("textarea", { rows: 4, maxlength: 4000 });
    text.value = before;
    const planned = field(t("after.plan"), text, { hint: t("after.plan_hint_after") });
    const went = outcome();
    const send = button(t("after.plan_save"), null, { tone: "main", type: "submit" });
    const write = () =>
      attempt(
        send,
        went,
        async () => {
          const said = text.value.trim();
          if (!said) {
            planned.say(t("after.plan_missing"));
            text.focus();
            return;
          }
          await api.post(`${path}/plan`, { text: said });
          await look({ focus: "h1" });
        },
        { text: planned },
      );
    return el(
      "details",
      {},
      el("summary", {}, t(before ? "after.plan_change" : "after.plan_write")),
      form(write, planned.box, el("div", { class: "row" }, send), went.box),
    );
  }

  function exports() {
    const to = (format) => `/api/v1${path}/export?format=${format}`;
    return el(
      "section",
      { class: "panel", "aria-labelledby": "export" },
      el("h2", { id: "export" }, t("after.report")),
      el("p", {}, t("after.report_words")),
      el("div", { class: "row" },
        el("a", { class: "button main", href: to("html"), target: "_blank", rel: "noopener" }, t("after.report_open"))),
      el("h3", {}, t("after.export")),
      el("ul", { class: "downloads" },
        ...FORMATS.map((format) =>
          el("li", {},
            el("a", { class: "button", href: to(format), download: "" }, t(`after.format.${format}`)),
            el("small", {}, t(`after.format.${format}_hint`))))),
    );
  }

  function moving(session) {
    const code = codeInput();
    const coded = field(t("after.move_code"), code, { hint: t("after.move_hint") });
    const went = outcome();
    const send = twice(t("after.move_send"), t("after.move_again"), (control) =>
      attempt(
        control,
        went,
        async () => {
          const to = code.value.trim();
          if (!to) return coded.say(t("open.code_missing"));
          await api.post(`${path}/move`, { code: to });
          await look({ focus: "h1" });
        },
        { code: coded },
      ),
    );
    return el(
      "details",
      { class: "panel" },
      el("summary", {}, t("after.move_title")),
      el("p", {}, t("after.move_words", { code: session.code })),
      coded.box,
      el("div", { class: "row" }, send),
      went.box,
    );
  }

  function entriesTable(state, zone) {
    const shown = state.filter((one) => ENTRIES.has(one.type) || SHOWN.has(one.type));
    const rows = shown.map((one) => {
      const row = el(
        "tr",
        { class: isGone(one) ? "undone" : "", "data-entry": one.id },
        el("td", { "data-label": t("after.at") }, clock(one.at, zone)),
        el("th", { scope: "row" }, t(`after.type.${one.type}`)),
        el("td", { "data-label": t("after.what") }, el("div", {}, said(one), remarks(one, zone))),
        el("td", { "data-label": t("after.who") }, one.actor ?? "–"),
        el("td", { class: "act" }, may && ENTRIES.has(one.type) && !one.isUndone ? correctButton(one, () => row) : null),
      );
      return row;
    });
    return el(
      "section",
      { "aria-labelledby": "entries" },
      el("h2", { id: "entries" }, t("after.entries")),
      el("p", { class: "quiet" }, t("after.entries_words")),
      rows.length === 0
        ? el("p", {}, t("after.no_entries"))
        : table(el("table", { class: "cards entries" },
            head("after", ["at", "type", "what", "who", "act"]),
            el("tbody", {}, ...rows))),
    );
  }

  function correctButton(one, row) {
    return button(
      t("after.correct"),
      () => {
        const old = main.querySelector("tr.correcting");
        if (old) {
          const isMine = old.dataset.of === one.id;
          old.remove();
          if (isMine) return;
        }
        const box = corrector(one, async (correction) => {
          await api.post(`${path}/corrections`, { entry: one.id, ...correction });
          await look({ focus: `tr[data-entry="${one.id}"] button` });
        });
        const line = el("tr", { class: "correcting", "data-of": one.id }, el("td", { colspan: 5 }, box));
        row().after(line);
        box.querySelector("input, select, textarea")?.focus();
      },
      { tone: "small", "aria-label": t("after.correct_of", { what: t(`after.type.${one.type}`), at: clock(one.at) }) },
    );
  }

  look();
  return {
    /** A visit that was closed elsewhere meanwhile is drawn again. */
    update() {
      if (!held || held.closed_at) return;
      const view = app.live.room(held.room);
      if (!view || view.session?.id === id) return;
      held = null; // until it is drawn again
      look();
    },
    leave() {
      gone = true;
    },
  };
}
