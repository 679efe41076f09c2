/** A visit's events as they hold, and each of them in words. */
import { el } from "./dom.js";
import { t } from "./text.js";
import { clock, kind, mark, number, phase } from "./words.js";

// What a person said, and may put right.
export const ENTRIES = new Set([
  "phase.begun", "rating.sud", "rating.voc", "note.added", "part.met", "mark.set", "target.set",
  "plan.written", "level.client",
]);
// What else belongs to the visit's story, beside its sets.
export const SHOWN = new Set([
  "session.opened", "session.restated", "session.closed", "session.moved", "lead.taken", "pulser.pressed",
  "pulser.lost", "clock.jumped",
]);

/** Whether an entry holds no more: taken back at once, or withdrawn later. */
export const isGone = (one) => !!(one.isUndone || one.isWithdrawn);

/** The entries as they hold: corrected data in place of the old, what was undone or withdrawn marked so. */
export function stateOf(entries) {
  const held = new Map();
  for (const entry of entries) {
    if (entry.type === "entry.corrected") {
      const one = held.get(entry.data.entry);
      if (!one) continue;
      one.isWithdrawn = !!entry.data.void;
      if (one.isWithdrawn) Object.assign(one, { withdrawnAt: entry.entered, withdrawnBy: entry.actor });
      else
        Object.assign(one, {
          was: one.was ?? one.data,
          data: entry.data.data,
          correctedAt: entry.entered,
          correctedBy: entry.actor,
        });
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
        data.systolic_mmhg == null
          ? null
          : t("after.pressure", { high: data.systolic_mmhg, low: data.diastolic_mmhg ?? "–" }),
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

/** What is to be said about an entry: taken back, put right, entered later than it happened. */
export function remarks(one, zone) {
  const lines = [];
  if (one.isUndone) lines.push(t("after.undone"));
  if (one.was) {
    const was = said({ ...one, data: one.was });
    lines.push(t("after.corrected", { was, at: clock(one.correctedAt, zone), by: one.correctedBy ?? "–" }));
  }
  if (one.isWithdrawn) lines.push(t("after.withdrawn", { at: clock(one.withdrawnAt, zone), by: one.withdrawnBy ?? "–" }));
  const lateMs = new Date(one.entered) - new Date(one.at);
  if (lateMs > 60_000) lines.push(t("after.entered", { at: clock(one.entered, zone) }));
  return lines.length ? el("small", { class: "remark" }, lines.join(" ")) : null;
}
