/** The second stage: which pulser this is, and the Wi-Fi network that it shall join. */
import { el, mark, say } from "./dom.js";
import { button, choice, facts, form } from "./forms.js";
import { isPrivate, passwordFault, passwordField, plainNote, ssidFault, ssidField } from "./networks.js";
import { signal } from "./pulserwords.js";
import { t } from "./text.js";

// Not the names of networks: those stand behind SEEN.
const KEEP = "keep";
const TYPED = "typed";
const SEEN = "seen:";
// In a house of many flats thirty are seen, the strongest first: whose it is, is among these, or is looked for.
const SHOWN = 8;

export function networkStage(state, { next }) {
  const { found } = state;
  const seen = found.seen ?? [];
  const kept = found.networks;
  const ssid = ssidField(t("network.name"));
  const password = passwordField();
  const wrong = el("p", { class: "field-wrong", role: "alert", hidden: true });
  const hint = el("p", { class: "field-hint", role: "status" });
  const send = button(t("add.next"), null, { tone: "main", type: "submit" });
  const mayType = isPrivate();
  const isThere = found.network === "up" || kept.length > 0;

  const options = [
    isThere ? { value: KEEP, label: t(kept.length ? "add.network.keep" : "add.network.none_needed"), hint: kept.join(", ") } : null,
    ...(mayType ? seen.map((one) => ({ value: SEEN + one.ssid, label: one.ssid, hint: hintOf(one, kept) })) : []),
    mayType ? { value: TYPED, label: t("add.network.other"), hint: t("add.network.other_hint") } : null,
  ].filter(Boolean);
  const chosen = choice(t("add.network.legend"), options, first(), changed);
  chosen.box.classList.add("networks");
  // What belongs to a network is asked right beneath it, wherever in the list it is.
  const under = mayType ? el("div", { class: "under" }, ssid.box, password.box, hint) : null;
  const tileOf = (value) => [...chosen.box.querySelectorAll("input")].find((one) => one.value === value)?.closest("label");
  const faint = seen.slice(SHOWN).map((one) => tileOf(SEEN + one.ssid)).filter(Boolean);
  const all = button(t("add.network.all", { n: seen.length }), showAll, { tone: "quiet" });

  function showAll() {
    const had = document.activeElement === all;
    for (const tile of faint) tile.hidden = false;
    all.remove();
    if (had) faint[0].querySelector("input").focus();
  }

  // What was chosen before the way led back here; else what the pulser keeps.
  function first() {
    const { wifi } = state;
    if (wifi) {
      if (seen.some((one) => one.ssid === wifi.ssid)) return SEEN + wifi.ssid;
      ssid.control.value = wifi.ssid;
      return TYPED;
    }
    if (isThere) return KEEP;
    return seen.length ? SEEN + seen[0].ssid : TYPED;
  }

  const chosenOne = () => seen.find((one) => SEEN + one.ssid === chosen.value) ?? null;

  function changed() {
    const { value } = chosen;
    if (under) tileOf(value)?.after(under);
    const isOpen = chosenOne()?.secure === false;
    ssid.box.hidden = value !== TYPED;
    password.box.hidden = value === KEEP || isOpen || value === null;
    say(hint, value === TYPED ? t("network.password_open") : isOpen ? t("add.network.open") : "");
    wrong.hidden = true;
    ssid.say("");
    password.say("");
  }

  function submit() {
    const { value } = chosen;
    if (value === null) {
      say(wrong, t("add.network.missing"));
      wrong.hidden = false;
      chosen.box.querySelector("input")?.focus();
      return;
    }
    if (value === KEEP) state.wifi = null;
    else {
      const name = chosenOne()?.ssid ?? ssid.control.value;
      const isOpen = !chosenOne()?.secure;
      const nameFault = ssidFault(name);
      const wordFault = password.box.hidden ? "" : passwordFault(password.value, isOpen);
      ssid.say(nameFault);
      password.say(wordFault);
      if (nameFault || wordFault) {
        (nameFault ? ssid : password).control.focus();
        return;
      }
      state.wifi = { ssid: name, password: password.box.hidden ? "" : password.value };
      password.clear();
    }
    next();
  }

  if (state.wifi) password.control.value = state.wifi.password;
  if (faint.length) {
    for (const tile of faint) tile.hidden = true;
    tileOf(TYPED).before(all);
    if (faint.includes(tileOf(chosen.value))) showAll();
  }
  changed();
  return {
    box: el("div", {},
      facts(whoIs(state)),
      ours(state),
      el("p", {}, t("add.network.words")),
      mayType ? null : plainNote(),
      mayType && seen.length === 0 && !isThere ? el("p", { class: "quiet" }, t("add.network.unseen")) : null,
      options.length
        ? form(submit, chosen.box, wrong, el("div", { class: "row" }, send))
        : el("p", {}, t("add.network.nowhere"))),
  };
}

function hintOf(network, kept) {
  const parts = [signal(network.rssi_dbm)];
  parts.push(t(network.secure ? "add.network.secure" : "add.network.open_mark"));
  if (kept.includes(network.ssid)) parts.push(t("add.network.kept_mark"));
  return parts.join(" · ");
}

function whoIs({ found, port }) {
  return [
    [t("add.who.name"), found.name],
    [t("add.who.board"), found.board ?? t("pulsers.unknown")],
    [t("pulsers.firmware"), found.firmware ?? t("pulsers.unknown")],
    [t("add.who.port"), port.port],
  ];
}

/** What is to be known of a pulser that has, or had, a place already. */
function ours({ found, replace }) {
  let text = "";
  if (found.paired === "elsewhere") text = t("add.who.others");
  else if (found.paired === "here" && found.id === replace?.id) text = t("add.who.same");
  else if (found.paired === "here") text = t(replace ? "add.who.leaves" : "add.who.ours", { room: found.room, hand: t(`pulsers.hand.${found.side}`) });
  const note = el("p", { class: "pulser-note" }, text);
  mark(note, "hidden", !text);
  return note;
}
