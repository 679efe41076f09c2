/** The last stage: the pairing itself, step by step as it goes; then the proof, a buzz, and the other one. */
import { api, roomPath } from "./api.js";
import { el, fill, mark, say } from "./dom.js";
import { attempt, button, outcome } from "./forms.js";
import { canBuzz } from "./pulserwords.js";
import { has, t } from "./text.js";

// The daemon's own words, whatever the page's language is: they are read out as what they are.
const OWN = { lang: "en" };
const LOOK_MS = 400;
const MARKS = { waiting: "○", doing: "…", done: "✓", failed: "✕" };
// Where a failed step is mended; and what would only fail again as it is.
const MENDS = { port: "port", pulser: "port", networks: "network", join: "network", daemon: "place" };
const FIELDS = { name: "place", room: "place", side: "place", ssid: "network", password: "network", port: "port" };
// Faults whose words name the network: without its name the daemon's own are said.
const NAMED = new Set(["password", "not_found"]);
// Asked again a moment later, they may be answered.
const PASSING = new Set(["unreachable", "http"]);
const CHOICES = new Set(["password", "not_found", "case", "no_network", "turned_away", "taken"]);

export function pairStage(state, { go, head }) {
  const said = outcome();
  const list = el("ol", { class: "steps" });
  const spoken = el("p", { class: "unseen", role: "status" });
  const fault = el("div", { class: "fault", role: "alert", hidden: true });
  const end = el("div", { class: "row" });
  const off = button(t("add.pair.off"), breakOff, { tone: "quiet" });
  let id = state.pairing;
  state.pairing = null; // what begins here next is a new one
  let asked = null; // the pairing as it was asked for, until that is answered
  let timer = 0;
  let isLeft = false;
  let key = "";
  let buzzes = null; // once it is linked: shows whether it can buzz

  async function begin() {
    fault.hidden = true;
    const hadFocus = end.contains(document.activeElement);
    fill(end, off);
    if (hadFocus) off.focus({ preventScroll: true });
    id = null;
    const { port, room, side, name, ceilingPct, wifi, replace } = state;
    // A spare has the place, the name and the level limit of the one that it replaces.
    const body = { port: port.port, ...(replace ? { replace: replace.id } : { room, side, ceiling_pct: ceilingPct }) };
    if (name && !replace) body.name = name;
    if (wifi) body.wifi = wifi;
    try {
      asked = api.post("/pairings", body);
      const made = await asked;
      if (!isLeft) show(made);
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      if (!isLeft) failed({ step: null, field: refusal.field, code: refusal.code, words: refusal.words });
    }
  }

  async function look() {
    try {
      const found = await api.get(`/pairings/${id}`);
      if (!isLeft) show(found);
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      if (isLeft) return;
      // The daemon may be busy, or away for a moment; one that knows nothing of it any more has begun anew.
      if (PASSING.has(refusal.code)) timer = setTimeout(look, LOOK_MS * 4);
      else failed({ step: null, code: refusal.code === "unknown" ? "gone" : refusal.code, words: refusal.words });
    }
  }

  function show(pairing) {
    ({ id } = pairing);
    state.port ??= { port: pairing.port };
    clearTimeout(timer);
    draw(pairing.steps);
    if (pairing.state === "done") done(pairing);
    else if (pairing.fault) failed({ step: pairing.fault.step, code: pairing.fault.code, words: pairing.fault.message });
    else if (pairing.state !== "doing") failed({ step: null, code: pairing.state, words: "" });
    else timer = setTimeout(look, LOOK_MS);
  }

  function draw(steps) {
    const next = JSON.stringify(steps);
    if (next === key) return;
    key = next;
    fill(list, steps.map((step) =>
      el("li", { "data-state": step.state, "aria-current": step.state === "doing" ? "step" : null },
        el("span", { class: "step-mark", "aria-hidden": "true" }, MARKS[step.state]),
        el("div", {},
          el("strong", {}, t(`add.step.${step.name}`)),
          el("span", { class: "unseen" }, ` ${t(`add.state.${step.state}`)}`),
          // Why one failed stands beneath, with what to do.
          step.state === "waiting" || step.state === "failed" ? null : el("small", OWN, step.words)))));
    // Each step once; its failure is said by the fault itself, and the end by the heading, which gets the focus.
    const now = steps.find((step) => step.state === "doing");
    say(spoken, !now ? "" : `${t(`add.step.${now.name}`)}: ${t("add.state.doing")}`);
  }

  function failed({ step, field = null, code, words }) {
    const ours = `add.fault.${code}`;
    const ssid = state.wifi?.ssid ?? "";
    const own = has(ours) && (ssid || !NAMED.has(code)) ? t(ours, { ssid }) : "";
    say(spoken, "");
    const found = MENDS[step] ?? FIELDS[field] ?? null;
    const stage = found === "place" && state.replace ? null : found; // a spare's place is not chosen
    fill(fault,
      el("h3", {}, step ? t("add.pair.failed_at", { step: t(`add.step.${step}`) }) : t("add.pair.failed")),
      own ? el("p", {}, own) : el("p", OWN, words),
      own && words ? el("details", {}, el("summary", {}, t("add.pair.more")), el("p", OWN, words)) : null,
      ["version", "safe_mode"].includes(code) ? el("code", { class: "command" }, `twintap flash ${state.port?.port ?? ""}`) : null);
    fault.hidden = false;
    if (!state.found) {
      // It was begun elsewhere, or before this page was loaded: what was chosen then is not known here.
      fill(end, button(t("add.pair.anew"), () => go("port"), { tone: "main" }));
      showEnd();
      return;
    }
    const isChoice = stage && (CHOICES.has(code) || field !== null);
    const again = button(t("add.pair.again"), begin, { tone: isChoice ? "" : "main" });
    const mend = stage ? button(t(`add.pair.mend.${stage}`), () => go(stage), { tone: isChoice ? "main" : "" }) : null;
    fill(end, isChoice ? [mend, again] : [again, mend]);
    showEnd();
  }

  // What went wrong, and the way on beneath it, are seen on a phone too.
  function showEnd() {
    end.firstElementChild.focus({ preventScroll: true });
    end.scrollIntoView({ block: "nearest" });
  }

  async function breakOff() {
    await attempt(off, said, async () => {
      // What is still being asked for cannot be ended yet; refused, there is nothing to end.
      await asked?.catch(() => {});
      if (!id || isLeft) return;
      const over = await api.del(`/pairings/${id}`);
      if (isLeft) return;
      // One that had handed over its key went through.
      if (over.state === "done") show(over);
      else go(!state.found ? "port" : state.replace ? "network" : "place");
    });
  }

  const rooms = () => state.app.live.rooms() ?? [];
  const viewOf = (pulserId) => rooms().flatMap((room) => [room.left, room.right]).find((one) => one?.id === pulserId) ?? null;

  function done(pairing) {
    const { pulser: pulserId, room, side } = pairing;
    const other = side === "left" ? "right" : "left";
    // What has been used is not kept; nor is it needed for the other one, but the network's name is.
    if (state.wifi) state.wifi = { ssid: state.wifi.ssid, password: "" };
    if (state.colour) paintRoom(room, state.colour);
    say(head, t("add.done.title"));
    say(spoken, "");
    const words = el("p", { class: "healthy" }, t("add.done.words", { room, hand: t(`pulsers.hand.${side}`) }));
    const cable = el("p", { role: "status" });
    const buzz = button(t("pulsers.buzz"), () => attempt(buzz, said, () => api.post(`/pulsers/${pulserId}/identify`)), { tone: "tall" });
    const isFree = !rooms().find((one) => one.name === room)?.[other];
    const more = button(t("add.done.other", { hand: t(`pulsers.hand.${other}`) }), () => {
      // The room and the network are the same; the pulser, its port and its side are not.
      Object.assign(state, { port: null, found: null, room, side: other, colour: null, name: "", replace: null });
      go("port");
    }, { tone: "main" });
    fill(fault);
    fault.hidden = true;
    fill(end, buzz, isFree && !state.replace ? more : null,
      el("a", { class: "button", href: `#/ready/${encodeURIComponent(room)}` }, t("add.done.room", { room })),
      el("a", { class: "button quiet", href: "#/pulsers" }, t("ready.pulsers_go")));
    list.replaceWith(words, cable, ...pairing.hints.map((hint) => el("p", { class: "pulser-note" }, hintWords(hint))));
    end.after(el("details", { class: "more" }, el("summary", {}, t("add.done.steps")), list));
    buzzes = () => {
      const view = viewOf(pulserId);
      buzz.disabled = !view || !canBuzz(view, rooms().find((one) => one.name === view.room));
      say(cable, view?.charging ? t("add.done.cable") : t("add.done.feel"));
    };
    buzzes();
    head.focus({ preventScroll: true });
  }

  async function paintRoom(room, colour) {
    try {
      await api.patch(roomPath(room), { colour });
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      said.say(t("add.done.colourless", { why: refusal.words }), true);
    }
  }

  if (id) {
    fill(end, off);
    look();
  } else begin();
  mark(list, "aria-label", t("add.pair.steps"));
  return {
    box: el("div", {}, list, spoken, fault, said.box, end),
    update: () => buzzes?.(),
    leave() {
      isLeft = true;
      clearTimeout(timer);
    },
  };
}

const hintWords = (hint) => {
  const key = `add.hint.${hint.code}`;
  return has(key) ? t(key) : hint.message;
};
