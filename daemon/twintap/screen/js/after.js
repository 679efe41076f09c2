/** `#/session/ID`: one visit as it was: its sets, ratings and entries, put right by later ones; plan, report, export. */
import { api } from "./api.js";
import { corrector } from "./correct.js";
import { el, fill, put } from "./dom.js";
import { attempt, button, field, form, outcome, table, twice } from "./forms.js";
import { plot } from "./plot.js";
import { has, spanOf, t } from "./text.js";
import { clock, count, day, kind, mark, number, pacing, phase } from "./words.js";

const FORMATS = ["html", "jsonl", "csv", "bids"];

export function mount(root, app, params) {
  const id = params.id;
  const path = `/sessions/${encodeURIComponent(id)}`;
  const may = app.commands;
  const main = el("main", { class: "page after", id: "main" }, el("p", { class: "waiting", role: "status" }, t("after.asking")));
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
      el("h1", { tabindex: "-1" }, session.kind ? t("after.heading", { kind: kind(session.kind), day: day(session.opened_at, zone) }) : t("after.heading_erased", { day: day(session.opened_at, zone) })),
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

  const backLink = () => el("a", { class: "back", href: "#/sessions" }, t("after.back"));

  function summary(session, zone) {
    const until = session.closed_at ? clock(session.closed_at, zone) : t("after.still_open");
    const facts = [
      [t("after.code"), session.code],
      [t("after.when"), t("after.from_to", { from: clock(session.opened_at, zone), to: until })],
      [t("after.room"), session.room],
      [t("after.sets"), t("after.sets_of", { sets: count("after.sets_n", session.sets), passes: count("after.passes_n", session.passes) })],
      session.last_sud == null ? null : [t("after.sud_label"), t("after.from_last", { first: session.first_sud, last: session.last_sud })],
      session.last_voc == null ? null : [t("after.voc_label"), String(session.last_voc)],
      session.closed_reason === "forgotten" ? [t("after.closed"), t("after.forgotten")] : null,
    ].filter(Boolean);
    return el("dl", { class: "facts broad" }, ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }

  function closing(session) {
    const text = el("textarea", { rows: 4, maxlength: 4000 });
    const planned = field(t("after.plan"), text, { hint: t("after.plan_hint") });
    const said = outcome();
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
            said,
            async () => {
              const plan = text.value.trim();
              await api.post(`${room}/session/close`, plan ? { plan } : {});
              await look({ focus: "h1" });
            },
            { plan: planned },
          ),
        planned.box,
        el("div", { class: "row" }, send, el("a", { class: "button", href: `#/work/${encodeURIComponent(session.room)}` }, t("after.go_on"))),
        said.box,
      ),
    );
  }

  function planOf(state) {
    const plan = state.findLast((one) => one.type === "plan.written" && !one.isUndone);
    return el("section", { class: "panel" }, el("h2", {}, t("after.plan")), el("p", { class: "own-words" }, plan ? plan.data.text : t("after.no_plan")));
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
    const code = el("input", { type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 40 });
    const coded = field(t("after.move_code"), code, { hint: t("after.move_hint") });
    const said = outcome();
    const send = twice(t("after.move_send"), t("after.move_again"), (control) =>
      attempt(
        control,
        said,
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
      said.box,
    );
  }

  function entriesTable(state, zone) {
    const shown = state.filter((one) => ENTRIES.has(one.type) || SHOWN.has(one.type));
    const rows = shown.map((one) => {
      const row = el(
        "tr",
        { class: one.isUndone ? "undone" : "", "data-entry": one.id },
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
            head(["at", "type", "what", "who", "act"]),
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
        const box = corrector(one, async (data) => {
          await api.post(`${path}/corrections`, { entry: one.id, data });
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

// What a person said, and may put right.
const ENTRIES = new Set([
  "phase.begun", "rating.sud", "rating.voc", "note.added", "part.met", "mark.set", "target.set",
  "plan.written", "level.client",
]);
// What else belongs to the visit's story, beside its sets.
const SHOWN = new Set(["session.opened", "session.restated", "session.closed", "session.moved", "lead.taken", "pulser.pressed", "pulser.lost", "clock.jumped"]);

/** The entries as they hold: corrected data in place of the old, what was undone marked so. */
export function stateOf(entries) {
  const held = new Map();
  for (const entry of entries) {
    if (entry.type === "entry.corrected") {
      const one = held.get(entry.data.entry);
      if (one) Object.assign(one, { was: one.was ?? one.data, data: entry.data.data, correctedAt: entry.entered, correctedBy: entry.actor });
    } else if (entry.type === "entry.undone") {
      const one = held.get(entry.data.entry);
      if (one) one.isUndone = true;
    } else if (entry.type) held.set(entry.id, { ...entry });
  }
  return [...held.values()].sort((a, b) => a.at.localeCompare(b.at) || a.seq - b.seq);
}

/** What an entry says, in one line. */
export function said(one) {
  const data = one.data ?? {};
  switch (one.type) {
    case "phase.begun":
      return phase(data.phase);
    case "rating.sud":
      return t("after.sud", { value: data.value });
    case "rating.voc":
      return t("after.voc", { value: data.value });
    case "note.added":
    case "plan.written":
      return data.text ?? t("after.withheld");
    case "part.met":
      return data.gone ? t("after.part_gone", { label: data.label }) : (data.label ?? t("after.withheld"));
    case "target.set":
      return data.done ? t("after.target_done", { text: data.text }) : data.text;
    case "level.client":
      return t("open.pacing.levels", { left: number(data.left_pct), right: number(data.right_pct) });
    case "mark.set":
      return [
        mark(data.mark), data.route, data.amount,
        data.systolic_mmhg == null ? null : t("after.pressure", { high: data.systolic_mmhg, low: data.diastolic_mmhg ?? "–" }),
        data.pulse_bpm == null ? null : t("after.pulse", { n: data.pulse_bpm }),
        data.spo2_pct == null ? null : t("after.spo2", { n: data.spo2_pct }),
        data.text,
      ].filter(Boolean).join(" · ");
    case "session.opened":
    case "session.restated":
      return kind(data.kind);
    case "session.closed":
      return t(data.reason === "forgotten" ? "after.forgotten" : "after.closed_asked");
    case "session.moved":
      return t("after.moved_to", { code: data.code });
    case "lead.taken":
      return data.label;
    case "pulser.pressed":
    case "pulser.lost":
      return data.side ? t(`ready.hand.${data.side}`) : "";
    default:
      return "";
  }
}

function remarks(one, zone) {
  const lines = [];
  if (one.isUndone) lines.push(t("after.undone"));
  if (one.was) lines.push(t("after.corrected", { was: said({ ...one, data: one.was }), at: clock(one.correctedAt, zone), by: one.correctedBy ?? "–" }));
  const lateMs = new Date(one.entered) - new Date(one.at);
  if (lateMs > 60_000) lines.push(t("after.entered", { at: clock(one.entered, zone) }));
  return lines.length ? el("small", { class: "remark" }, lines.join(" ")) : null;
}

const head = (names) => el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, t(`after.${name}`)))));

function setsTable(sets, zone) {
  return el(
    "section",
    { "aria-labelledby": "sets" },
    el("h2", { id: "sets" }, t("after.sets")),
    sets.length === 0
      ? el("p", {}, t("after.no_sets"))
      : table(el("table", { class: "cards sets" },
          head(["number", "at", "pacing", "passes", "pulses", "error", "end"]),
          el("tbody", {}, ...sets.map((set, i) => setRow(set, i + 1, zone))))),
  );
}

function setRow(row, n, zone) {
  const set = { ...row.data, started_at: row.started_at };
  const cell = (name, ...children) => el("td", { "data-label": t(`after.${name}`) }, el("div", {}, ...children));
  const asked = set.asked?.passes ?? null;
  const { passes: _, ...held } = set.pacing;
  const feel = pacing(held);
  const side = (one) => t("after.side", { delivered: one.delivered, skipped: one.skipped, late: one.late });
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, String(n)),
    cell("at", set.started_at ? clock(set.started_at, zone) : "–", el("small", {}, spanOf(set.duration_ms))),
    cell("pacing", row.phase ? el("small", {}, phase(row.phase)) : null, feel, set.changes ? el("small", {}, count("after.changes", set.changes)) : null),
    cell("passes", asked == null ? t("after.passes_open", { done: set.passes_done }) : t("after.passes_of", { done: set.passes_done, asked })),
    cell("pulses", el("span", {}, `${t("after.left")} ${side(set.left)}`), el("br"), el("span", {}, `${t("after.right")} ${side(set.right)}`)),
    cell("error", set.left_right_error_us == null ? "–" : t("after.ms", { ms: number(set.left_right_error_us / 1000, 2) })),
    cell("end", ended(set)),
  );
}

/** Who or what ended a set. */
function ended(set) {
  const key = `after.ended.${set.reason}`;
  const vars = { by: set.by, reason: set.reason, side: set.side ? t(`ready.side.${set.side}`) : "" };
  return t(has(key) ? key : "after.ended.other", vars);
}

function plotOf(session, state, sets, zone) {
  const held = (type) => state.filter((one) => one.type === type && !one.isUndone);
  const at = (iso) => new Date(iso).getTime();
  const points = (type) =>
    held(type).map((one) => ({ at: at(one.at), value: one.data.value, title: `${clock(one.at, zone)}: ${said(one)}` }));
  const sud = points("rating.sud");
  const voc = points("rating.voc");
  if (sud.length + voc.length + sets.length === 0) return null;
  const start = at(session.opened_at);
  const ran = sets.filter((set) => set.started_at);
  const end = Math.max(start + 60_000, ...ran.map((set) => at(set.started_at) + set.data.duration_ms), ...[...sud, ...voc].map((one) => one.at));
  const steps = 6;
  const xs = Array.from({ length: steps + 1 }, (_, i) => start + ((end - start) * i) / steps).map((ms) => ({
    at: ms,
    label: clock(new Date(ms).toISOString(), zone),
  }));
  return plot({
    title: t("after.plot"),
    summary: t("after.plot_words", {
      sud: sud.map((one) => one.title).join(", ") || "–",
      voc: voc.map((one) => one.title).join(", ") || "–",
      sets: sets.length,
    }),
    xs,
    series: [
      { name: t("after.plot_sud"), low: 0, high: 10, axis: "left", mark: "disc", points: sud },
      { name: t("after.plot_voc"), low: 1, high: 7, axis: "right", mark: "square", points: voc },
    ],
    barsName: t("after.plot_bars"),
    bars: ran.map((set) => ({
      at: at(set.started_at),
      until: at(set.started_at) + set.data.duration_ms,
      height: Math.min(1, Math.max(set.data.pacing.left_pct, set.data.pacing.right_pct) / 100),
      title: t("after.plot_set", { n: sets.indexOf(set) + 1, passes: set.data.passes_done }),
    })),
  });
}
