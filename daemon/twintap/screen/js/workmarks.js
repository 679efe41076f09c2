// Ratings in one touch each; a note, a part, a mark, a phase in two.

import { button, el, field, mark as attribute } from "./dom.js";
import { t } from "./text.js";
import { clock, kind, mark, MARKS, phase, PHASES } from "./words.js";

const SUDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const VOCS = [1, 2, 3, 4, 5, 6, 7];
const AGO_MIN = [0, 1, 2, 5, 10, 20];
const ROUTES = ["sublingual", "intramuscular", "intranasal", "oral"];
const VITALS = [
  ["systolic_mmhg", 30, 300],
  ["diastolic_mmhg", 10, 200],
  ["pulse_bpm", 20, 300],
  ["spo2_pct", 30, 100],
];
// What each kind of visit usually goes through; everything else stands beneath.
const USUAL_PHASES = {
  consultation: ["arrival", "history", "landing"],
  preparation: ["arrival", "preparation", "resourcing", "breathing", "landing"],
  emdr: ["history", "preparation", "resourcing", "assessment", "desensitisation", "installation", "body_scan", "closure", "reevaluation"],
  medicine: ["arrival", "preparation", "dosing", "onset", "peak", "return", "landing"],
  integration: ["arrival", "resourcing", "breathing", "landing", "closure"],
};
const USUAL_MARKS = {
  medicine: ["medicine_given", "first_effect", "vitals", "eyes_closed", "eyes_open", "stop_signal_given", "consent", "stop_signal_agreed", "containment", "other"],
};

/** The rows of ratings. `enter` as of `makeEntries`; `promptAt()`: the SUD from which a word is asked for. */
export function makeRatings(enter, promptAt) {
  function rate(type, value) {
    const isSud = type === "rating.sud";
    const from = promptAt();
    const asks = isSud && from !== null && value >= from ? t("work.sud_prompt", { from }) : "";
    enter(type, { value }, t(isSud ? "work.sud_noted" : "work.voc_noted", { value }), { asks });
  }

  const row = (type, name, values, label) =>
    el(
      "div",
      { class: `rating ${name}`, role: "group", "aria-label": label },
      el("span", { class: "rating-name", text: t(`work.${name}`) }),
      el(
        "div",
        { class: "rating-values" },
        values.map((value) =>
          button(String(value), {
            "aria-label": t(`work.${name}_value`, { value }),
            data: { testid: `${name}-${value}`, value },
            onmousedown: (event) => event.preventDefault(),
            onclick: () => rate(type, value),
          }),
        ),
      ),
    );
  const box = el("section", { class: "ratings", "aria-label": t("work.ratings") }, row("rating.sud", "sud", SUDS, t("work.sud_long")), row("rating.voc", "voc", VOCS, t("work.voc_long")));

  return {
    box,
    /** Marks what was said last. */
    show(session) {
      for (const [name, last] of [["sud", session?.last_sud], ["voc", session?.last_voc]])
        for (const node of box.querySelectorAll(`.${name} button`)) attribute(node, "aria-current", node.dataset.value === String(last) ? "true" : null);
    },
  };
}

/** The buttons for a note, a part and a mark, and what they open. `session()`: as it is. */
export function makeMarks(app, enter, session) {
  const opens = (name, act) => button(t(`work.${name}`), { data: { testid: name }, onclick: act, onmousedown: (event) => event.preventDefault() });
  const note = opens("note", openNote);
  const part = opens("part", openPart);
  const marks = opens("mark", openMarks);
  const box = el("div", { class: "noting", role: "group", "aria-label": t("work.noting") }, note, part, marks);

  // When it was: now, unless one says otherwise.
  function when() {
    let ago = 0;
    const choices = AGO_MIN.map((minutes) =>
      button(minutes ? t("work.ago", { minutes }) : t("work.now"), {
        "aria-pressed": String(minutes === 0),
        onclick: (event) => {
          ago = minutes;
          for (const one of choices) attribute(one, "aria-pressed", String(one === event.currentTarget));
        },
      }),
    );
    return { box: el("div", { class: "when", role: "group", "aria-label": t("work.when") }, choices), get agoMs() { return ago * 60000; } };
  }

  // A form in a layer: what is typed stays there until it is kept.
  function ask(title, name, parts, make, { focus = null } = {}) {
    const at = when();
    const send = el("button", { type: "submit", class: "main", text: t("work.keep"), data: { testid: "keep" } });
    const submit = async (event) => {
      event?.preventDefault();
      const made = make();
      if (!made || send.disabled) return;
      send.disabled = true;
      const kept = await enter(made.type, made.data, made.words, { agoMs: at.agoMs });
      send.disabled = false;
      if (kept) layer.close();
    };
    const form = el("form", { onsubmit: submit, novalidate: true }, parts, at.box, el("div", { class: "row" }, send));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
    });
    const layer = app.dialog(title, form, { focus, name });
  }

  function openNote() {
    const text = el("textarea", { rows: 5, maxlength: 4000, data: { testid: "note-text" } });
    ask(t("work.note"), "note-layer", [field(t("work.note_label"), text, t("work.note_hint"))], () => {
      const said = text.value.trim();
      return said ? { type: "note.added", data: { text: said }, words: t("work.note_noted") } : null;
    }, { focus: text });
  }

  function openPart() {
    const now = session();
    const text = el("input", { type: "text", maxlength: 200, autocomplete: "off", data: { testid: "part-text" } });
    const at = when();
    const meet = async (label, gone = false) => {
      if (await enter("part.met", gone ? { label, gone } : { label }, t(gone ? "work.part_gone" : "work.part_noted", { label }), { agoMs: at.agoMs })) layer.close();
    };
    const known = (now?.parts ?? []).filter((label) => label !== now.part);
    const form = el(
      "form",
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          const label = text.value.trim();
          if (label) meet(label);
        },
      },
      field(t("work.part_new"), text, t("work.part_hint")),
      el("div", { class: "row" }, el("button", { type: "submit", class: "main", text: t("work.keep") })),
    );
    const content = el(
      "div",
      { class: "choices" },
      now?.part && el("div", { class: "row" }, el("strong", { text: t("work.part_now", { label: now.part }) }), button(t("work.part_leave"), { onclick: () => meet(now.part, true) })),
      known.length > 0 && el("div", { class: "grid" }, known.map((label) => button(label, { onclick: () => meet(label) }))),
      at.box,
      form,
    );
    const layer = app.dialog(t("work.part"), content, { name: "part-layer", focus: known.length || now?.part ? null : text });
  }

  function openMarks() {
    const usual = USUAL_MARKS[session()?.kind] ?? MARKS;
    const at = when();
    const special = { medicine_given: openMedicine, vitals: openVitals, other: openOther };
    const choose = async (name) => {
      if (special[name]) {
        layer.close();
        special[name]();
      } else if (await enter("mark.set", { mark: name }, mark(name), { agoMs: at.agoMs })) layer.close();
    };
    const buttons = usual.map((name) => button(mark(name) + (special[name] ? " …" : ""), { data: { testid: `mark-${name}` }, onclick: () => choose(name) }));
    const layer = app.dialog(t("work.mark"), el("div", { class: "choices" }, at.box, el("div", { class: "grid" }, buttons)), { name: "mark-layer" });
  }

  function openMedicine() {
    const amount = el("input", { type: "text", maxlength: 200, autocomplete: "off", data: { testid: "amount" } });
    const route = el("input", { type: "text", maxlength: 200, autocomplete: "off", data: { testid: "route" } });
    const usual = ROUTES.map((name) => {
      const text = t(`work.route.${name}`);
      return button(text, { onclick: () => (route.value = text) });
    });
    const parts = [field(t("work.amount"), amount, t("work.amount_hint")), field(t("work.route"), route), el("div", { class: "grid" }, usual)];
    ask(mark("medicine_given"), "medicine-layer", parts, () => {
      const data = { mark: "medicine_given" };
      if (amount.value.trim()) data.amount = amount.value.trim();
      if (route.value.trim()) data.route = route.value.trim();
      return { type: "mark.set", data, words: mark("medicine_given") };
    }, { focus: amount });
  }

  function openVitals() {
    const inputs = VITALS.map(([name, low, high]) => el("input", { type: "number", inputmode: "numeric", min: low, max: high, step: 1, name }));
    const parts = inputs.map((input) => field(t(`work.vitals.${input.name}`), input));
    ask(mark("vitals"), "vitals-layer", [el("div", { class: "vitals" }, parts)], () => {
      const data = { mark: "vitals" };
      for (const input of inputs) {
        if (input.value === "") continue;
        if (!input.checkValidity()) {
          input.reportValidity();
          return null;
        }
        data[input.name] = input.valueAsNumber;
      }
      return { type: "mark.set", data, words: mark("vitals") };
    }, { focus: inputs[0] });
  }

  function openOther() {
    const text = el("input", { type: "text", maxlength: 200, autocomplete: "off" });
    ask(mark("other"), "other-layer", [field(t("work.other_label"), text)], () => {
      const said = text.value.trim();
      return said ? { type: "mark.set", data: { mark: "other", text: said }, words: said } : null;
    }, { focus: text });
  }

  return { box, note, part, marks };
}

/** Lets one choose the phase of the visit that begins now. */
export function choosePhase(app, enter, session) {
  const usual = USUAL_PHASES[session.kind] ?? PHASES;
  const rest = PHASES.filter((name) => !usual.includes(name));
  const choose = async (name) => {
    if (await enter("phase.begun", { phase: name }, t("work.phase_noted", { phase: phase(name) }))) layer.close();
  };
  const grid = (names) =>
    el(
      "div",
      { class: "grid" },
      names.map((name) => button(phase(name), { "aria-current": name === session.phase ? "true" : null, data: { testid: `phase-${name}` }, onclick: () => choose(name) })),
    );
  const content = el("div", { class: "choices" }, grid(usual), el("details", {}, el("summary", { text: t("work.phase_rest") }), grid(rest)));
  const layer = app.dialog(t("work.phase_title", { kind: kind(session.kind) }), content, { name: "phase-layer" });
}

/** Open targets, each to be closed in one touch, and a new one. */
export function openTargets(app, enter, session) {
  const text = el("input", { type: "text", maxlength: 200, autocomplete: "off" });
  const send = async (data, words) => {
    if (await enter("target.set", data, words)) layer.close();
  };
  const content = el(
    "div",
    { class: "choices" },
    session.targets.map((target) => el("div", { class: "row spread" }, el("span", { text: target }), button(t("work.target_done"), { onclick: () => send({ text: target, done: true }, t("work.target_closed", { target })) }))),
    el(
      "form",
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          const said = text.value.trim();
          if (said) send({ text: said }, t("work.target_noted"));
        },
      },
      field(t("work.target_new"), text),
      el("div", { class: "row" }, el("button", { type: "submit", class: "main", text: t("work.keep") })),
    ),
  );
  const layer = app.dialog(t("work.targets"), content, { name: "target-layer", focus: session.targets.length ? null : text });
}

/** Ends the session, with a word for the next visit; `ask` as of `makeEntries`. */
export function closeSession(app, ask, session) {
  const plan = el("textarea", { rows: 4, maxlength: 4000, data: { testid: "plan" } });
  plan.value = session.plan ?? "";
  const send = el("button", { type: "submit", class: "main", text: t("work.close_do"), data: { testid: "close-session" } });
  const form = el(
    "form",
    {
      novalidate: true,
      onsubmit: async (event) => {
        event.preventDefault();
        send.disabled = true;
        const said = plan.value.trim();
        const done = await ask("close", said && said !== session.plan ? { plan: said } : {});
        send.disabled = false;
        if (done) {
          layer.close();
          app.go(`#/session/${session.id}`);
        }
      },
    },
    el("p", { text: t("work.close_words", { at: clock(session.opened_at) }) }),
    field(t("work.plan"), plan, t("work.plan_hint")),
    el("div", { class: "row" }, send),
  );
  const layer = app.dialog(t("work.close"), form, { name: "close-layer", focus: plan });
}
