/** One pulser as the Ready view shows it: battery, link, last seen, a buzz, and the hand that holds it. */
import { api, roomPath } from "./api.js";
import { el, fill, say } from "./dom.js";
import { attempt, button } from "./forms.js";
import { t } from "./text.js";
import { clock } from "./words.js";

const FRESH_MS = 3000; // heard of within this: it is on its way, and not gone
const FELT_MS = 12_000; // so long after a buzz the question stands where it was felt

// A resting lithium cell, from full to empty; between two points it is taken as straight.
const CELL = [
  [4150, 100], [4000, 85], [3900, 70], [3800, 50], [3750, 35], [3700, 20], [3600, 8], [3400, 0],
];

/** About how full a battery is, in percent, by tens; null where the pulser does not measure it. */
export function batteryPct(mv) {
  if (mv == null) return null;
  if (mv >= CELL[0][0]) return 100;
  const below = CELL.findIndex(([at]) => at <= mv);
  if (below < 0) return 0;
  const [high, highPct] = CELL[below - 1];
  const [low, lowPct] = CELL[below];
  return Math.round((lowPct + ((mv - low) / (high - low)) * (highPct - lowPct)) / 10) * 10;
}

/**
 * A pulser's link, clock and charger in one line that says what to do; `tone`: good, waits or stops.
 * `isUnready`: whether its clock keeps the room from tapping; `isFresh`: whether something was heard of it just
 * now, though it has no link.
 */
export function stateOf(pulser, isUnready, isFresh) {
  if (!pulser) return { tone: "stops", text: t("ready.pulser.none") };
  if (pulser.power === "asleep") return { tone: "stops", text: t("ready.pulser.asleep") };
  if (pulser.link !== "linked") {
    if (!pulser.last_heard_at) return { tone: "stops", text: t("ready.pulser.unheard") };
    if (isFresh) return { tone: "waits", text: t("ready.pulser.seeking") };
    return { tone: "stops", text: t("ready.pulser.unseen", { at: clock(pulser.last_heard_at) }) };
  }
  if (pulser.charging) return { tone: "stops", text: t("ready.pulser.charging") };
  if (pulser.battery === "empty") return { tone: "stops", text: t("ready.pulser.empty") };
  if (pulser.power === "drowsy" || pulser.power === "waking") return { tone: "waits", text: t(`ready.pulser.${pulser.power}`) };
  if (!isUnready) return { tone: "good", text: t("ready.pulser.ready") };
  if (pulser.clock.state === "uncertain") return { tone: "waits", text: t("ready.pulser.uncertain") };
  return { tone: "waits", text: t("ready.pulser.warming") };
}

/** The card of the client's `side` in `room`. `may`: whether this person commands; `mayAdd`: may add a pulser. */
export function pulserCard(side, room, said, may, mayAdd) {
  const path = roomPath(room);
  const name = t(`ready.side.${side}`);
  const state = el("p", { class: "pulser-state", role: "status" });
  const battery = el("dd", {});
  const seen = el("dd", {});
  const called = el("dd", {});
  const felt = el("div", { class: "felt", hidden: true });
  const hand = el("p", { class: "hand", role: "status" });
  const buzz = button(t("ready.buzz", { side: name }), buzzIt, { tone: "tall" });
  const facts = el(
    "dl",
    { class: "facts" },
    el("dt", {}, t("ready.pulser.battery")), battery,
    el("dt", {}, t("ready.pulser.seen")), seen,
    el("dt", {}, t("ready.pulser.name")), called,
  );
  const how = el(
    "div",
    { class: "pair-how", hidden: true },
    mayAdd ? el("a", { class: "button", href: `#/add/${encodeURIComponent(room)}/${side}` }, t("pulsers.add_here")) : null,
    el("p", {}, t("ready.pulser.pair")),
    el("code", {}, t("ready.pulser.pair_command", { room: /^[\w.-]+$/.test(room) ? room : JSON.stringify(room), side })),
  );
  let pulser = null;
  let timer = 0;
  let heard = null; // when it was heard of, by the daemon's clock, and when that was news by ours
  let newsAt = -Infinity;

  const box = el(
    "article",
    { class: "pulser", "data-side": side, "aria-label": t(`ready.hand.${side}`) },
    el("h3", {}, t(`ready.hand.${side}`)),
    state,
    facts,
    how,
    may ? buzz : null,
    felt,
    hand,
  );

  async function buzzIt() {
    await attempt(buzz, said, async () => {
      await api.post(`/pulsers/${pulser.id}/identify`);
      window.clearTimeout(timer);
      fill(felt, 
        el("p", {}, t("ready.felt", { side: name })),
        button(t("ready.felt_other"), swapThem, { tone: "small" }),
      );
      felt.hidden = false;
      timer = window.setTimeout(hush, FELT_MS);
    });
  }

  async function swapThem(event) {
    await attempt(event.currentTarget, said, async () => {
      await api.post(`${path}/swap`);
      hush();
      said.say(t("ready.swapped"));
    });
  }

  function hush() {
    window.clearTimeout(timer);
    felt.hidden = true;
  }

  return {
    box,
    leave: hush,
    /** `isConfirmed`: a press has said which hand holds it. */
    show(next, { isRunning, isUnready, isConfirmed }) {
      if (next?.id !== pulser?.id) {
        heard = null;
        newsAt = -Infinity;
        hush();
      }
      pulser = next;
      const at = pulser?.last_heard_at ? new Date(pulser.last_heard_at).getTime() : null;
      if (at !== null && heard !== null && Math.abs(at - heard) > 500) newsAt = performance.now();
      heard = at;
      const { tone, text } = stateOf(pulser, isUnready, performance.now() - newsAt < FRESH_MS);
      box.dataset.tone = tone;
      if (state.textContent !== text) state.textContent = text;
      facts.hidden = buzz.hidden = hand.hidden = !pulser;
      how.hidden = !!pulser;
      const pct = batteryPct(pulser?.battery_mv);
      const unknown = pulser?.link === "linked" ? "ready.pulser.battery_unknown" : "ready.pulser.battery_unheard";
      battery.textContent = pct == null ? t(unknown) : t("ready.pulser.battery_pct", { pct });
      seen.textContent =
        pulser?.link === "linked"
          ? t("ready.pulser.seen_now")
          : pulser?.last_heard_at
            ? clock(pulser.last_heard_at)
            : t("ready.pulser.seen_never");
      called.textContent = pulser?.name ?? "–";
      buzz.disabled = !pulser || pulser.link !== "linked" || !!pulser.charging || isRunning;
      box.classList.toggle("confirmed", isConfirmed);
      say(hand, pulser ? t(isConfirmed ? "ready.hand.confirmed" : "ready.hand.press") : "");
    },
  };
}
