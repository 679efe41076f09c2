// The line above the surface: room, phase, who leads, both pulsers; small, for the eye that looks for it.

import { button, el, fill, mark, say } from "./dom.js";
import { batteryPct } from "./hands.js";
import { t } from "./text.js";
import { kind, phase } from "./words.js";

const SHOWN_MS = 8000; // a code that was asked for is on the screen for so long

// How long ago the medicine was given, in whole minutes.
function sinceOf(given) {
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(given)) / 60000));
  if (minutes < 60) return t("work.since_min", { minutes });
  return t("work.since_h", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
}

/** Makes the line. `acts`: what its buttons do: phase, lead, menu, wipe, hide. */
export function makeTop(app, room, acts) {
  const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
  const home = el("a", { class: "top-room", href: `#/ready/${encodeURIComponent(room)}` }, swatch, el("span", { text: room }));
  const phaseIt = button("", { class: "top-phase", data: { testid: "phase" }, onclick: acts.phase, onmousedown: (event) => event.preventDefault() });
  const code = button(t("work.code"), { class: "quiet top-code", data: { testid: "code" }, onclick: showCode, onmousedown: (event) => event.preventDefault() });
  const since = el("span", { class: "top-since" });
  const lead = el("span", { class: "top-lead" });
  const hands = Object.fromEntries(["left", "right"].map((side) => [side, el("span", { class: "top-hand", data: { side }, role: "img" })]));
  const wipe = button(t("work.wipe"), { class: "quiet", data: { testid: "wipe" }, onclick: acts.wipe });
  const hide = button(t("work.hide"), { class: "quiet", data: { testid: "hide" }, onclick: acts.hide });
  const menu = button(t("work.menu"), { class: "quiet", data: { testid: "menu" }, onclick: acts.menu });
  const box = el(
    "header",
    { class: "top" },
    el("h1", {}, home),
    phaseIt,
    code,
    since,
    lead,
    el("span", { class: "top-hands" }, hands.left, hands.right),
    el("span", { class: "top-ends" }, wipe, hide, menu),
  );
  let session = null;
  let timer = 0;

  function showCode() {
    if (!session) return;
    clearTimeout(timer);
    say(code, session.code);
    timer = setTimeout(hideCode, SHOWN_MS);
  }

  function hideCode() {
    clearTimeout(timer);
    timer = 0;
    say(code, t("work.code"));
  }

  function showHand(side, pulser) {
    const node = hands[side];
    const pct = pulser ? batteryPct(pulser.battery_mv) : null;
    const state = !pulser ? "none" : pulser.power === "asleep" ? "asleep" : pulser.link !== "linked" ? "lost" : pulser.charging ? "charging" : "linked";
    const battery = state !== "linked" ? "" : pct === null ? t("work.battery_unknown") : t("work.battery", { pct });
    const key = `${state}|${battery}`;
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    mark(node, "data-state", state);
    mark(node, "aria-label", t(`work.hand.${state}`, { side: t(`side.${side}`), battery }));
    fill(node, el("span", { class: "hand-dot" }), el("b", { text: t(`work.side_short.${side}`) }), el("span", { text: state === "linked" ? battery : t(`work.link.${state}`) }));
  }

  return {
    box,
    update(view) {
      if (!view) return;
      swatch.style.setProperty("--room", /^#[0-9a-f]{6}$/i.test(view.colour) ? view.colour : "transparent");
      for (const side of ["left", "right"]) showHand(side, view[side]);
      if (session?.id !== view.session?.id) hideCode();
      session = view.session;
      phaseIt.hidden = code.hidden = !session;
      phaseIt.disabled = !app.commands;
      wipe.hidden = false;
      if (session) say(phaseIt, session.phase ? phase(session.phase) : kind(session.kind));
      const given = session?.medicine_given_at;
      since.hidden = !given;
      if (given) say(since, sinceOf(given));
      lead.hidden = !session;
      mark(lead, "data-mine", session?.lead === app.me.label);
      if (session) say(lead, session.lead === app.me.label ? t("work.lead_you") : t("work.lead_other", { label: session.lead }));
    },
    hideCode,
    leave: hideCode,
  };
}
