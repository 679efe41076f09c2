/** What the screen asks or reminds of: from which SUD on it asks, and the clinic's own reminders. */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { attempt, button, field, form, outcome, select } from "./forms.js";
import { t } from "./text.js";
import { kind, KINDS, mark, MARKS } from "./words.js";

export function promptsPanel() {
  const said = outcome();
  const levels = Array.from({ length: 11 }, (_, value) => value);
  const sud = select(levels, (value) => t("settings.prompts.sud_at", { value }), null, t("settings.prompts.sud_off"));
  const prompted = field(t("settings.prompts.sud"), sud, { hint: t("settings.prompts.sud_hint") });
  const list = el("ul", { class: "lines" });
  const send = button(t("settings.save"), null, { tone: "main", type: "submit" });
  let held = { sud_prompt_at: null, reminders: [] };
  let rows = [];

  function row(reminder) {
    const kinds = select(KINDS, kind, reminder.kind, t("settings.prompts.any_kind"));
    const marks = select(MARKS, mark, reminder.after_mark, t("settings.prompts.from_opening"));
    const minutes = el("input", { type: "number", min: 0, max: 1440, step: 1, inputmode: "numeric" });
    minutes.value = String(reminder.after_min);
    const text = el("input", { type: "text", maxlength: 200, autocomplete: "off", value: reminder.text });
    const worded = field(t("settings.prompts.text"), text);
    const timed = field(t("settings.prompts.after_min"), minutes);
    const made = {
      box: el("li", {},
        el(
          "div",
          { class: "pairs" },
          field(t("settings.prompts.kind"), kinds).box,
          field(t("settings.prompts.after_mark"), marks).box,
          timed.box,
          worded.box,
        ),
        button(t("settings.prompts.drop"), () => {
          rows = rows.filter((one) => one !== made);
          made.box.remove();
          add.focus();
        }, { tone: "small" })),
      worded,
      timed,
      value: () => ({
        kind: kinds.value || null,
        after_mark: marks.value || null,
        after_min: Number(minutes.value),
        text: text.value.trim(),
      }),
    };
    return made;
  }

  const add = button(t("settings.prompts.add"), () => {
    const made = row({ kind: "medicine", after_mark: "medicine_given", after_min: 40, text: "" });
    rows.push(made);
    list.append(made.box);
    made.worded.control.focus();
  });

  const box = el(
    "section",
    { class: "panel", "aria-labelledby": "prompts" },
    el("h2", { id: "prompts" }, t("settings.prompts.title")),
    el("p", {}, t("settings.prompts.words")),
    form(
      () =>
        attempt(send, said, async () => {
          for (const one of rows) {
            one.worded.say("");
            if (!one.value().text) {
              one.worded.say(t("settings.prompts.text_missing"));
              one.worded.control.focus();
              return;
            }
          }
          const sud_prompt_at = sud.value === "" ? null : Number(sud.value);
          const next = { ...held, sud_prompt_at, reminders: rows.map((one) => one.value()) };
          held = (await api.put("/settings", next)) ?? next;
          said.say(t("settings.saved"));
        }, { sud_prompt_at: prompted }),
      prompted.box,
      el("h3", {}, t("settings.prompts.reminders")),
      list,
      el("div", { class: "row" }, add),
      el("div", { class: "row" }, send),
      said.box,
    ),
  );
  // Until what is kept is known nothing can be changed: it would be drawn over, or saved in its place.
  const changed = [sud, add, send];
  for (const one of changed) one.disabled = true;
  attempt(send, said, async () => {
    held = await api.get("/settings");
    sud.value = held.sud_prompt_at == null ? "" : String(held.sud_prompt_at);
    rows = (held.reminders ?? []).map(row);
    fill(list, rows.map((one) => one.box));
    for (const one of changed) one.disabled = false;
  });
  return box;
}
