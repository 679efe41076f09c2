/** A visit's sets: as a table, and beneath its ratings in the plot. */
import { el } from "./dom.js";
import { head, table } from "./forms.js";
import { plot } from "./plot.js";
import { isGone, said } from "./story.js";
import { has, spanOf, t } from "./text.js";
import { clock, count, number, pacing, phase } from "./words.js";

/** Every set of a visit as it was recorded: asked and done, each side's pulses, who or what ended it. */
export function setsTable(sets, zone) {
  return el(
    "section",
    { "aria-labelledby": "sets" },
    el("h2", { id: "sets" }, t("after.sets")),
    sets.length === 0
      ? el("p", {}, t("after.no_sets"))
      : table(el("table", { class: "cards sets" },
          head("after", ["number", "at", "pacing", "passes", "pulses", "error", "end"]),
          el("tbody", {}, ...sets.map((set, i) => setRow(set, i + 1, zone))))),
  );
}

function setRow(row, n, zone) {
  const set = { ...row.data, started_at: row.started_at };
  const cell = (name, ...children) => el("td", { "data-label": t(`after.${name}`) }, el("div", {}, ...children));
  const asked = set.asked?.passes ?? null;
  const error_us = set.left_right_error_us;
  const { passes: _, ...held } = set.pacing;
  const feel = pacing(held);
  const side = (one) => t("after.side", { delivered: one.delivered, skipped: one.skipped, late: one.late });
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, String(n)),
    cell("at", set.started_at ? clock(set.started_at, zone) : "–", el("small", {}, spanOf(set.duration_ms))),
    cell(
      "pacing",
      row.phase ? el("small", {}, phase(row.phase)) : null,
      feel,
      set.changes ? el("small", {}, count("after.changes", set.changes)) : null,
    ),
    cell("passes", t(asked == null ? "after.passes_open" : "after.passes_of", { done: set.passes_done, asked })),
    cell("pulses", el("div", {}, `${t("after.left")} ${side(set.left)}`), el("div", {}, `${t("after.right")} ${side(set.right)}`)),
    cell("error", error_us == null ? "–" : t("after.ms", { ms: number(error_us / 1000, 2) })),
    cell("end", ended(set)),
  );
}

/** Who or what ended a set. */
function ended(set) {
  const key = `after.ended.${set.reason}`;
  const vars = { by: set.by, reason: set.reason, side: set.side ? t(`ready.side.${set.side}`) : "" };
  return t(has(key) ? key : "after.ended.other", vars);
}

/** SUD and VOC over the visit with its sets beneath; null where there is nothing to draw. */
export function plotOf(session, state, sets, zone) {
  const held = (type) => state.filter((one) => one.type === type && !isGone(one));
  const at = (iso) => new Date(iso).getTime();
  const points = (type) =>
    held(type).map((one) => ({ at: at(one.at), value: one.data.value, title: `${clock(one.at, zone)}: ${said(one)}` }));
  const sud = points("rating.sud");
  const voc = points("rating.voc");
  if (sud.length + voc.length + sets.length === 0) return null;
  const start = at(session.opened_at);
  const ran = sets.filter((set) => set.started_at);
  const ends = ran.map((set) => at(set.started_at) + set.data.duration_ms);
  const end = Math.max(start + 60_000, ...ends, ...[...sud, ...voc].map((one) => one.at));
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
