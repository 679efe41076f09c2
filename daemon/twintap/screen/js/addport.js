/** The first stage: the cable is in, and this is the port. */
import { api } from "./api.js";
import { el, fill, mark, say } from "./dom.js";
import { attempt, button, choice, form, outcome } from "./forms.js";
import { t } from "./text.js";
import { underway } from "./underway.js";

const LOOK_MS = 1000;
const ASK_MS = 40_000; // a board that is switched on by it starts, and then looks for networks

export function portStage(state, { next }) {
  const said = outcome();
  const told = el("p", { class: "known", role: "status" }, t("add.port.looking"));
  const held = el("div");
  const failed = el("div", { class: "fault", role: "alert", hidden: true });
  const running = underway();
  const send = button(t("add.port.next"), null, { tone: "main", type: "submit" });
  let ports = [];
  let chosen = state.port?.port ?? null;
  let key = null;
  let timer = 0;
  let isLeft = false;

  async function look() {
    let answer;
    try {
      answer = await api.get("/ports");
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      said.say(refusal.words, true);
      key = null; // what comes after it is news
    }
    if (isLeft) return;
    if (answer) show(answer);
    timer = setTimeout(look, LOOK_MS);
  }

  function show(found) {
    const next = JSON.stringify(found);
    if (next === key) return;
    key = next;
    ports = found;
    const likely = found.filter((one) => one.likely);
    if (!found.some((one) => one.port === chosen)) chosen = likely.length === 1 ? likely[0].port : null;
    say(told, found.length ? (chosen ? t("add.port.found") : t("add.port.several")) : t("add.port.none"));
    send.disabled = found.length === 0;
    // A choice that has the focus keeps it when one more port comes.
    const hadFocus = held.contains(document.activeElement);
    const made = choice(t("add.port.legend"), found.map(optionOf), chosen, (value) => {
      chosen = value;
      failed.hidden = true;
      tell();
    });
    made.box.classList.add("ports");
    fill(held, found.length ? made.box : null);
    if (hadFocus) held.querySelector("input:checked, input")?.focus();
    tell();
  }

  const one = () => ports.find((port) => port.port === chosen) ?? null;

  function tell() {
    const problem = one()?.problem;
    said.say(problem ?? "", Boolean(problem));
  }

  async function ask() {
    if (!one()) {
      said.say(t("add.port.missing"), true);
      held.querySelector("input")?.focus();
      return;
    }
    failed.hidden = true;
    const port = one();
    await attempt(send, said, async () => {
      say(told, t("add.port.asking"));
      mark(told, "aria-busy", true);
      try {
        state.found = await api.post("/ports/scan", { port: port.port }, ASK_MS);
        state.port = port;
      } catch (refusal) {
        if (refusal.name !== "Refusal") throw refusal;
        fill(failed, ...silent(port, refusal));
        failed.hidden = false;
        return;
      } finally {
        mark(told, "aria-busy", null);
        say(told, t("add.port.found"));
      }
      if (!isLeft) next();
    });
  }

  look();
  return {
    box: el("div", {}, running.box, picture(), el("p", {}, t("add.port.words")), told, form(ask, held, said.box, failed, el("div", { class: "row" }, send))),
    leave() {
      isLeft = true;
      clearTimeout(timer);
      running.leave();
    },
  };
}

const optionOf = (port) => ({ value: port.port, label: port.port, hint: hintOf(port) });

function hintOf(port) {
  const kind = t(`add.port.kind.${port.kind}`);
  return port.problem ? `${kind} · ${t("add.port.problem")}` : kind;
}

/** What is said when nothing that we know answers there: most likely it has no program yet. */
function silent(port, refusal) {
  const isOther = refusal.code !== "console";
  return [
    el("h3", {}, t(isOther ? "add.port.refused" : "add.port.silent")),
    el("p", {}, refusal.words),
    isOther ? null : el("p", {}, t("add.port.flash")),
    isOther ? null : el("code", { class: "command" }, `twintap flash ${port.port}`),
    isOther ? null : el("p", { class: "quiet" }, t("add.port.after_flash")),
  ];
}

// A cable between the computer and a pulser, for those who look before they read.
function picture() {
  return el("p", { class: "cable", "aria-hidden": "true" }, el("span", { class: "cable-end" }), el("span", { class: "cable-line" }), el("span", { class: "cable-pulser" }));
}
