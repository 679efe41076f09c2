/** The doctor: this computer, its network and its pulsers, a line each: fine, a hint, or bad with what to do. */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { attempt, button, outcome } from "./forms.js";
import { t } from "./text.js";
import { count } from "./words.js";

const ORDER = ["bad", "hint", "fine"];
const MARKS = { fine: "✓", hint: "!", bad: "✕" };

/** The panel; it looks when it is asked to, for that takes some seconds and speaks into the network. */
export function doctorPanel() {
  const said = outcome();
  const found = el("div", { class: "doctor" });
  const verdict = el("p", { class: "known", role: "status" });
  const look = button(t("doctor.look"), () => attempt(look, said, examine));

  async function examine() {
    verdict.textContent = t("doctor.looking");
    fill(found);
    try {
      show((await api.get("/doctor")).lines);
    } catch (refusal) {
      verdict.textContent = "";
      throw refusal;
    }
  }

  function show(lines) {
    const by = Object.fromEntries(ORDER.map((state) => [state, lines.filter((line) => line.state === state)]));
    const amiss = by.bad.length + by.hint.length;
    verdict.textContent = by.bad.length
      ? count("doctor.bad", by.bad.length)
      : amiss
        ? count("doctor.hints", amiss)
        : t("doctor.well");
    // What is fine is there for whoever wants to see it, and in nobody's way.
    fill(found, list([...by.bad, ...by.hint]), by.fine.length ? el("details", {}, el("summary", {}, count("doctor.fine", by.fine.length)), list(by.fine)) : null);
  }

  return el(
    "section",
    { class: "panel", "aria-labelledby": "doctor" },
    el("h2", { id: "doctor" }, t("doctor.title")),
    el("p", {}, t("doctor.words")),
    el("div", { class: "row" }, look),
    said.box,
    verdict,
    found,
  );
}

const list = (lines) =>
  lines.length
    ? el("ul", { class: "findings" }, lines.map((line) =>
        el("li", { "data-state": line.state },
          el("span", { class: "finding-mark" }, el("span", { "aria-hidden": "true" }, `${MARKS[line.state]} `), t(`doctor.state.${line.state}`)),
          el("p", { lang: "en" }, line.words),
          line.todo ? el("p", { class: "finding-todo" }, el("strong", {}, t("doctor.todo")), " ", el("span", { lang: "en" }, line.todo)) : null)))
    : null;
