/** Opening a visit: the code, the kind, and what the last one ended with, each part taken or left. */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { attempt, button, choice, codeInput, facts, field, form, outcome, tick } from "./forms.js";
import { keepTaken } from "./taken.js";
import { t } from "./text.js";
import { count, day, kind, KINDS, number, pacing, phase } from "./words.js";

const LOOK_MS = 500; // so long after the last key a code is looked up

/**
 * The panel that opens a visit in `room`. `ready`: {hands(): sides confirmed, levels(): tried out or null}.
 * Gives {box, show(view), leave()}.
 */
export function openPanel(app, room, ready) {
  const path = `/rooms/${encodeURIComponent(room)}`;
  const code = codeInput();
  code.classList.add("code");
  const coded = field(t("open.code"), code, { hint: t("open.code_hint") });
  const known = el("p", { class: "known", role: "status" });
  const kinds = choice(t("open.kind"), KINDS.map((name) => ({ value: name, label: kind(name) })), "emdr", () => look());
  const offered = el("div", { class: "offer", hidden: true });
  const hands = el("p", { class: "hands-line", role: "status" });
  const said = outcome();
  const send = button(t("open.send"), null, { tone: "main tall", type: "submit" });
  let timer = 0;
  let asked = "";
  let found = null;
  let parts = [];

  code.addEventListener("input", () => {
    window.clearTimeout(timer);
    found = null;
    forgetOffer();
    coded.say("");
    timer = window.setTimeout(look, LOOK_MS);
  });
  code.addEventListener("change", look);

  function forgetOffer() {
    known.textContent = "";
    known.classList.remove("warn");
    offered.hidden = true;
    parts = [];
  }

  async function look() {
    window.clearTimeout(timer);
    const text = code.value.trim();
    const what = `${text}\n${kinds.value}`;
    if (!text) return forgetOffer();
    if (found && asked === what) return undefined;
    asked = what;
    let answer;
    try {
      answer = await api.post("/clients/lookup", { code: text, kind: kinds.value });
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      if (asked === what) coded.say(refusal.words);
      return undefined;
    }
    if (asked !== what) return undefined; // another code was typed meanwhile
    coded.say("");
    found = answer;
    showFound();
    return undefined;
  }

  function showFound() {
    const lines = [t("open.code_as", { code: found.code })];
    if (found.known) lines.push(t("open.known", { at: day(found.last_visit_at), visits: count("open.visits", found.visits) }));
    else lines.push(t("open.new"));
    if (found.open_in) lines.push(t("open.open_in", { room: found.open_in }));
    if (found.looks_like_name) lines.push(t("open.looks_like_name"));
    known.classList.toggle("warn", !!found.looks_like_name);
    known.textContent = lines.join(" ");
    parts = found.offer ? offerParts(found.offer) : [];
    offered.hidden = parts.length === 0;
    fill(offered, 
      el("h3", {}, t("open.offer.title")),
      el("p", { class: "quiet" }, t("open.offer.words")),
      found.offer?.lowered ? el("p", { class: "known warn" }, t("open.offer.lowered")) : null,
      ...parts.map((part) => part.box),
    );
  }

  async function open() {
    await attempt(
      send,
      said,
      async () => {
        if (!code.value.trim()) {
          coded.say(t("open.code_missing"));
          code.focus();
          return;
        }
        await look();
        if (!found) return;
        const session = await api.post(`${path}/session`, { code: found.code, kind: kinds.value, zone: zone() });
        await takeOver(session);
        code.value = "";
        app.go(`#/work/${encodeURIComponent(room)}`);
      },
      { code: coded },
    );
  }

  async function takeOver(session) {
    const pacings = {};
    const entries = [];
    for (const part of parts) if (part.isTaken) part.take(entries, pacings);
    const tried = ready.levels();
    if (tried && !entries.some((entry) => entry.type === "level.client"))
      entries.push({ type: "level.client", data: tried });
    keepTaken(session.id, pacings);
    try {
      for (const entry of entries) await api.post(`${path}/session/entries`, entry);
    } catch (refusal) {
      if (refusal.name !== "Refusal") throw refusal;
      app.toast(t("open.taken_not", { why: refusal.words }), { tone: "warn" });
    }
  }

  const box = el(
    "section",
    { class: "panel open", "aria-labelledby": "open-title" },
    el("h2", { id: "open-title" }, t("open.title")),
    form(open, coded.box, known, kinds.box, offered, hands, el("div", { class: "row" }, send), said.box),
    el("p", { class: "quiet plain" }, el("a", { href: `#/work/${encodeURIComponent(room)}` }, t("ready.plain")), " ", t("ready.plain_words")),
  );

  return {
    box,
    show() {
      const sides = ready.hands();
      const text =
        sides.length === 2
          ? t("open.hands.both")
          : sides.length === 1
            ? t("open.hands.one", { side: t(`ready.side.${sides[0] === "left" ? "right" : "left"}`) })
            : t("open.hands.none");
      if (hands.textContent !== text) hands.textContent = text;
      hands.classList.toggle("good", sides.length === 2);
    },
    leave() {
      window.clearTimeout(timer);
    },
  };
}

/** The IANA name of this device's time zone. */
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** What the last visit ended with, a box to tick for each part of it that can be taken over. */
function offerParts(offer) {
  const parts = [];
  const add = (label, hint, take) => {
    const ticked = tick(label, true, { hint });
    parts.push({
      box: ticked.box,
      get isTaken() {
        return ticked.control.checked;
      },
      take,
    });
  };
  for (const [name, held] of Object.entries(offer.pacings ?? {}))
    add(t("open.offer.pacing", { phase: name === "any" ? t("open.offer.any") : phase(name) }), pacing(held), (_, pacings) => {
      pacings[name] = held;
    });
  if (offer.left_pct != null && offer.right_pct != null)
    add(
      t("open.offer.levels"),
      t("open.pacing.levels", { left: number(offer.left_pct), right: number(offer.right_pct) }),
      (entries) =>
        entries.push({ type: "level.client", data: { left_pct: offer.left_pct, right_pct: offer.right_pct } }),
    );
  for (const text of offer.targets ?? [])
    add(t("open.offer.target"), text, (entries) => entries.push({ type: "target.set", data: { text } }));
  const ratings = [];
  if (offer.last_sud != null) ratings.push(t("open.offer.sud", { sud: offer.last_sud }));
  if (offer.last_voc != null) ratings.push(t("open.offer.voc", { voc: offer.last_voc }));
  const told = [];
  if (offer.plan) told.push([t("open.offer.plan"), offer.plan]);
  if (ratings.length) told.push([t("open.offer.ratings"), ratings.join(" · ")]);
  if (offer.parts?.length) told.push([t("open.offer.parts"), offer.parts.join(", ")]);
  if (told.length)
    parts.push({
      box: facts(told),
      isTaken: false,
      take() {},
    });
  return parts;
}
