/** The pieces that forms are made of: labelled fields, choices, colours, one line that says what happened. */
import { el } from "./dom.js";
import { t } from "./text.js";

let last = 0;
const unique = (stem) => `${stem}-${++last}`;

/**
 * A labelled field. `control`: an input, textarea or select; `hint`: a line beneath it.
 * Gives {box, control, say(text)}; `say` shows what is wrong with it, and with "" takes that back.
 */
export function field(label, control, { hint = "" } = {}) {
  control.id ||= unique("field");
  const wrong = el("p", { class: "field-wrong", id: `${control.id}-wrong`, hidden: true });
  const about = hint ? el("p", { class: "field-hint", id: `${control.id}-hint` }, hint) : null;
  control.setAttribute("aria-describedby", [about?.id, wrong.id].filter(Boolean).join(" "));
  const box = el("div", { class: "field" }, el("label", { for: control.id }, label), control, about, wrong);
  const say = (text) => {
    wrong.textContent = text;
    wrong.hidden = !text;
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  return { box, control, say };
}

/** A field for a client's code: nothing remembers it, nothing corrects it. `type`: text or search. */
export const codeInput = (type = "text") =>
  el("input", { type, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 40 });

/** A list to choose from: `names` shown by `label`; `none`: the text of the empty choice, if there is one. */
export function select(names, label, value, none = null) {
  const made = el(
    "select",
    {},
    none === null ? null : el("option", { value: "" }, none),
    names.map((name) => el("option", { value: String(name) }, label(name))),
  );
  made.value = value == null ? "" : String(value);
  return made;
}

/** What is so, as names and values: `pairs`: [[name, value]]; null ones are left out. */
export const facts = (pairs, kind = "") =>
  el(
    "dl",
    { class: `facts ${kind}`.trim() },
    pairs.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );

/** A table's head: the texts of `prefix.name` for each of `names`. */
export const head = (prefix, names) =>
  el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, t(`${prefix}.${name}`)))));

/**
 * One of several, as big tiles. `options`: [{value, label, hint?}].
 * Gives {box, value, set(value)}; `changed(value)` is called when a person chooses.
 */
export function choice(legend, options, value, changed = () => {}) {
  const name = unique("choice");
  const inputs = options.map((option) => {
    const input = el("input", { type: "radio", name, value: String(option.value) });
    input.checked = option.value === value;
    input.addEventListener("change", () => changed(option.value));
    return { option, input };
  });
  const box = el(
    "fieldset",
    { class: "choice" },
    el("legend", {}, legend),
    el(
      "div",
      { class: "choice-options" },
      ...inputs.map(({ option, input }) =>
        el(
          "label",
          { class: "choice-option" },
          input,
          el("span", {}, option.label, option.hint ? el("small", {}, option.hint) : null),
        ),
      ),
    ),
  );
  return {
    box,
    get value() {
      return inputs.find(({ input }) => input.checked)?.option.value ?? null;
    },
    set(next) {
      for (const { option, input } of inputs) input.checked = option.value === next;
    },
  };
}

/** A box to tick. Gives {box, control}. */
export function tick(label, checked, { hint = "" } = {}) {
  const control = el("input", { type: "checkbox" });
  control.checked = checked;
  return {
    control,
    box: el(
      "label",
      { class: "tick" },
      control,
      el("span", {}, label, hint ? el("small", {}, hint) : null),
    ),
  };
}

// The colours that rooms are given; each has a name, for those who do not see it.
export const COLOURS = [
  ["#0072b2", "blue"], ["#e69f00", "orange"], ["#009e73", "green"], ["#cc79a7", "pink"],
  ["#56b4e9", "sky"], ["#d55e00", "red"], ["#f0e442", "yellow"], ["#ffffff", "white"],
];

/** The name of a room's colour; one that is none of ours is said by its number. */
export function colourName(colour) {
  const known = COLOURS.find(([value]) => value === colour);
  return known ? t(`rooms.colour.${known[1]}`) : colour;
}

/** A room's colour as a choice of eight. Gives {box, value, set}. */
export function colours(legend, value, changed) {
  const made = choice(
    legend,
    COLOURS.map(([code, name]) => ({ value: code, label: t(`rooms.colour.${name}`) })),
    value,
    changed,
  );
  made.box.classList.add("colours");
  made.box.querySelectorAll("label").forEach((label, i) => paint(label, COLOURS[i][0]));
  return made;
}

/** Gives `node` the room's colour as `--room`. Through the CSSOM: a style attribute is not allowed here. */
export function paint(node, colour) {
  if (/^#[0-9a-f]{6}$/i.test(colour)) node.style.setProperty("--room", colour);
  return node;
}

/** A button. `tone`: main, quiet or danger. */
export function button(label, act, { tone = "", ...props } = {}) {
  return el("button", { type: "button", class: `button ${tone}`.trim(), onclick: act, ...props }, label);
}

/** Where a form says how it went: politely, and wrong in another colour. */
export function outcome() {
  const box = el("p", { class: "outcome", role: "status" });
  return {
    box,
    say(text, isWrong = false) {
      box.textContent = text;
      box.classList.toggle("wrong", isWrong && !!text);
    },
  };
}

/**
 * Does `act` once at a time: meanwhile `control` is busy, and what is refused is said in `said`.
 * `fields`: {name: {say}}, for a refusal that names its field. Gives what `act` gave, or undefined.
 */
export async function attempt(control, said, act, fields = {}) {
  if (control.getAttribute("aria-busy") === "true") return undefined;
  control.setAttribute("aria-busy", "true");
  said.say("");
  for (const one of Object.values(fields)) one.say("");
  try {
    return await act();
  } catch (refusal) {
    if (refusal.name !== "Refusal") throw refusal;
    const place = fields[refusal.field];
    if (place) {
      place.say(refusal.words);
      place.control?.focus();
    } else said.say(refusal.words, true);
    return undefined;
  } finally {
    control.removeAttribute("aria-busy");
  }
}

/** A form that sends itself with Enter or its button, and never by a page load. */
export function form(submit, ...children) {
  return el(
    "form",
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        submit(event);
      },
    },
    ...children,
  );
}

const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

/** Gives `made`, a table, the roles that it would lose where a narrow screen shows its rows as cards. */
export function table(made) {
  for (const node of [made, ...made.querySelectorAll("thead, tbody, tr, td")]) node.setAttribute("role", ROLES[node.tagName]);
  for (const node of made.querySelectorAll("th")) node.setAttribute("role", node.scope === "row" ? "rowheader" : "columnheader");
  return made;
}

/** A button that asks again before it acts: the first press arms it for 5 s, the second one does it. */
export function twice(label, again, act, props = {}) {
  let timer = 0;
  const one = button(label, () => {
    if (timer) {
      calm();
      act(one);
      return;
    }
    one.textContent = again;
    one.classList.add("armed");
    timer = window.setTimeout(calm, 5000);
  }, props);
  // A key that is held repeats itself, and would be the second press too.
  one.addEventListener("keydown", (event) => event.repeat && event.preventDefault());
  function calm() {
    window.clearTimeout(timer);
    timer = 0;
    one.textContent = label;
    one.classList.remove("armed");
  }
  return one;
}
