/** The presets: named pacings, each for any phase and kind of visit or for one. Kept for every device here. */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { attempt, button, field, form, outcome, select, twice } from "./forms.js";
import { t } from "./text.js";
import { kind, KINDS, pacing, phase, PHASES, presetName } from "./words.js";

// name, lowest, highest, step: the pacing's own ranges, as the daemon judges them.
const PARTS = [
  ["rate_hz", 0.1, 4, 0.05],
  ["passes", 1, 1000, 1],
  ["left_pct", 0, 100, 1],
  ["right_pct", 0, 100, 1],
  ["pulse_ms", 20, 5000, 5],
  ["ramp_ms", 0, 10000, 100],
];
// Left empty: an open set; the client's own levels.
const CAN_BE_LEFT = new Set(["passes", "left_pct", "right_pct"]);
const NEW = { name: "", phase: null, kind: null, pacing: { rate_hz: 1, pulse_ms: 100, ramp_ms: 1000, passes: 24 } };

export function presetsPanel() {
  const said = outcome();
  const list = el("ul", { class: "lines" });
  const editor = el("div", { class: "editor", hidden: true });
  const add = button(t("settings.presets.add"), () => edit(null));
  let held = [];

  const save = async (next) => {
    const answer = await api.put("/presets", { presets: next });
    held = answer?.presets ?? next;
    show();
  };

  function show() {
    fill(
      list,
      held.length === 0 ? el("li", { class: "quiet" }, t("settings.presets.none")) : null,
      held.map((preset, i) =>
        el(
          "li",
          {},
          el("div", {},
            el("strong", {}, presetName(preset)),
            el("small", {}, where(preset)),
            el("span", { class: "quiet" }, pacing(preset.pacing))),
          el("div", { class: "row" },
            button(t("settings.presets.edit"), () => edit(i), {
              tone: "small", "aria-label": t("settings.presets.edit_of", { name: presetName(preset) }),
            }),
            button(t("settings.presets.up"), (event) => attempt(event.currentTarget, said, () => save(moved(held, i))), {
              tone: "small", disabled: i === 0, "aria-label": t("settings.presets.up_of", { name: presetName(preset) }),
            }),
            twice(t("settings.presets.drop"), t("settings.presets.drop_again"), drop(i), {
              tone: "small", "aria-label": t("settings.presets.drop_of", { name: presetName(preset) }),
            })),
        ),
      ),
    );
  }

  const drop = (i) => (control) => attempt(control, said, () => save(held.filter((_, at) => at !== i)));

  function edit(at) {
    const preset = at == null ? NEW : held[at];
    const name = el("input", { type: "text", maxlength: 40, autocomplete: "off", value: presetName(preset) });
    const named = field(t("settings.presets.name"), name);
    const phases = select(PHASES, phase, preset.phase, t("settings.presets.any"));
    const kinds = select(KINDS, kind, preset.kind, t("settings.presets.any"));
    const parts = PARTS.map(([part, min, max, step]) => {
      const value = preset.pacing[part];
      const input = el("input", { type: "number", min, max, step, inputmode: "decimal" });
      if (typeof value === "number") input.value = String(value);
      return [part, field(t(`settings.presets.${part}`), input, { hint: t(`settings.presets.${part}_hint`) })];
    });
    const went = outcome();
    const send = button(t("settings.save"), null, { tone: "main", type: "submit" });
    const close = () => {
      editor.hidden = true;
      fill(editor);
      add.focus();
    };
    fill(
      editor,
      el("h3", {}, t(at == null ? "settings.presets.new" : "settings.presets.change")),
      form(
        () =>
          attempt(
            send,
            went,
            async () => {
              if (!name.value.trim()) {
                named.say(t("settings.presets.name_missing"));
                name.focus();
                return;
              }
              const feel = {};
              for (const [part, one] of parts) {
                const text = one.control.value.trim();
                if (text === "" && !CAN_BE_LEFT.has(part)) {
                  one.say(t("settings.presets.missing"));
                  one.control.focus();
                  return;
                }
                feel[part] = text !== "" ? Number(text) : part === "passes" ? "open" : null;
              }
              const called = name.value.trim();
              const same = called === presetName(preset);
              const made = { ...(same ? { id: preset.id ?? null, name: preset.name } : { name: called }), phase: phases.value || null, kind: kinds.value || null, pacing: feel };
              await save(at == null ? [...held, made] : held.map((one, i) => (i === at ? made : one)));
              close();
              said.say(t("settings.saved"));
            },
            { name: named, ...Object.fromEntries(parts) },
          ),
        named.box,
        el(
          "div",
          { class: "pairs" },
          field(t("settings.presets.phase"), phases).box,
          field(t("settings.presets.kind"), kinds).box,
          parts.map(([, one]) => one.box),
        ),
        el("div", { class: "row" }, send, button(t("settings.cancel"), close)),
        went.box,
      ),
    );
    editor.hidden = false;
    name.focus();
  }

  const box = el(
    "section",
    { class: "panel broad", "aria-labelledby": "presets" },
    el("h2", { id: "presets" }, t("settings.presets.title")),
    el("p", {}, t("settings.presets.words")),
    list,
    el("div", { class: "row" }, add),
    said.box,
    editor,
  );
  // A preset is saved with all others: not before they are known.
  add.disabled = true;
  attempt(add, said, async () => {
    held = (await api.get("/presets")).presets;
    show();
    add.disabled = false;
  });
  return box;
}

/** For which phase and kind of visit a preset is. */
const where = ({ phase: ours, kind: visits }) =>
  [ours && phase(ours), visits && kind(visits)].filter(Boolean).join(" · ") || t("settings.presets.any");

function moved(list, i) {
  const next = [...list];
  [next[i - 1], next[i]] = [next[i], next[i - 1]];
  return next;
}
