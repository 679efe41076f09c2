/** The form that puts one entry right or withdraws it. What was said first stays in the journal. */
import { el } from "./dom.js";
import { attempt, button, choice, field, form, outcome, select, tick, twice } from "./forms.js";
import { t } from "./text.js";
import { mark, MARKS, phase, PHASES } from "./words.js";

const VITALS = [
  ["systolic_mmhg", 30, 300], ["diastolic_mmhg", 10, 200], ["pulse_bpm", 20, 300], ["spo2_pct", 30, 100],
];

/** `one`: the entry as it holds; `send({data} or {void})`: sends the correction, and may be refused. */
export function corrector(one, send) {
  const parts = PARTS[one.type](one.data);
  const said = outcome();
  const go = button(t("after.correct_send"), null, { tone: "main", type: "submit" });
  const withdraw = one.isWithdrawn
    ? null
    : twice(t("after.withdraw"), t("after.withdraw_again"), (control) => attempt(control, said, () => send({ void: true })));
  return form(
    () => attempt(go, said, () => send({ data: parts.data() }), parts.fields ?? {}),
    ...parts.boxes,
    el("div", { class: "row" }, go, withdraw),
    said.box,
  );
}

function oneOf(legend, names, label, value) {
  return field(legend, select(names, label, value));
}

function rating(low, high, name) {
  return (data) => {
    const values = Array.from({ length: high - low + 1 }, (_, i) => ({ value: low + i, label: String(low + i) }));
    const chosen = choice(t(name), values, data.value);
    chosen.box.classList.add("scale");
    return { boxes: [chosen.box], data: () => ({ value: chosen.value }) };
  };
}

function text(legend, rows, maxlength) {
  return (data) => {
    const area = rows > 1 ? el("textarea", { rows, maxlength }) : el("input", { type: "text", maxlength, autocomplete: "off" });
    area.value = data.text ?? "";
    const held = field(t(legend), area);
    return { boxes: [held.box], fields: { text: held }, data: () => ({ ...data, text: area.value.trim() }) };
  };
}

const PARTS = {
  "phase.begun": (data) => {
    const held = oneOf(t("after.type.phase.begun"), PHASES, phase, data.phase);
    return { boxes: [held.box], data: () => ({ phase: held.control.value }) };
  },
  "rating.sud": rating(0, 10, "after.type.rating.sud"),
  "rating.voc": rating(1, 7, "after.type.rating.voc"),
  "note.added": text("after.type.note.added", 4, 4000),
  "plan.written": text("after.type.plan.written", 4, 4000),
  "target.set": (data) => {
    const worded = text("after.type.target.set", 1, 200)(data);
    const done = tick(t("after.done"), !!data.done);
    return { boxes: [...worded.boxes, done.box], fields: worded.fields, data: () => ({ ...worded.data(), done: done.control.checked }) };
  },
  "part.met": (data) => {
    const input = el("input", { type: "text", maxlength: 200, autocomplete: "off" });
    input.value = data.label ?? "";
    const held = field(t("after.type.part.met"), input);
    return { boxes: [held.box], fields: { label: held }, data: () => ({ ...data, label: input.value.trim() }) };
  },
  "level.client": (data) => {
    const pct = (side) => {
      const input = el("input", { type: "number", min: 0, max: 100, step: 1, inputmode: "numeric" });
      input.value = String(data[`${side}_pct`]);
      return field(t("after.level", { side: t(`ready.side.${side}`) }), input);
    };
    const left = pct("left");
    const right = pct("right");
    return {
      boxes: [left.box, right.box],
      fields: { left_pct: left, right_pct: right },
      data: () => ({ left_pct: Number(left.control.value), right_pct: Number(right.control.value) }),
    };
  },
  "mark.set": (data) => {
    const named = oneOf(t("after.type.mark.set"), MARKS, mark, data.mark);
    const texts = ["route", "amount", "text"].map((name) => {
      const input = el("input", { type: "text", maxlength: 200, autocomplete: "off" });
      input.value = data[name] ?? "";
      return [name, field(t(`after.mark_${name}`), input)];
    });
    const vitals = VITALS.map(([name, min, max]) => {
      const input = el("input", { type: "number", min, max, step: 1, inputmode: "numeric" });
      input.value = data[name] ?? "";
      return [name, field(t(`after.mark_${name}`), input)];
    });
    const show = () => {
      for (const [, one] of vitals) one.box.hidden = named.control.value !== "vitals";
      for (const [name, one] of texts) one.box.hidden = name !== "text" && named.control.value !== "medicine_given";
    };
    named.control.addEventListener("change", show);
    show();
    return {
      boxes: [named.box, ...texts.map(([, one]) => one.box), ...vitals.map(([, one]) => one.box)],
      fields: Object.fromEntries([...texts, ...vitals]),
      data() {
        const next = { mark: named.control.value };
        for (const [name, one] of texts) if (!one.box.hidden && one.control.value.trim()) next[name] = one.control.value.trim();
        for (const [name, one] of vitals) if (!one.box.hidden && one.control.value !== "") next[name] = Number(one.control.value);
        return next;
      },
    };
  },
};
