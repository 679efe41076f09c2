// What is wanted seldom: targets, the session's end, the look, the sounds, the keys.

import { button, el, mark } from "./dom.js";
import { holdButton } from "./hold.js";
import { choose, LOCK, pref, theme, themes } from "./prefs.js";
import { answer, canBuzz, readySound } from "./sound.js";
import { t } from "./text.js";
import { clock } from "./words.js";

const KEYS = ["page", "space", "escape", "arrows_across", "arrows_up", "arrows_shift", "help"];
const VOLUMES = [0.2, 0.4, 0.7, 1];

/** Opens the menu. `acts`: targets, close, reload …; `session`: as it is, or null; `isAwake`: the screen stays on. */
export function openMenu(app, room, { session, acts, isAwake }) {
  const enc = encodeURIComponent(room);
  const go = (hash) => () => {
    layer.close();
    app.go(hash);
  };
  const then = (act) => () => {
    layer.close();
    act();
  };
  const may = app.commands;
  const content = el(
    "div",
    { class: "menu" },
    session && el("p", {}, el("small", { text: t("work.opened", { at: clock(session.opened_at), by: session.opened_by }) })),
    el(
      "div",
      { class: "grid" },
      session && may && button(t("work.targets"), { data: { testid: "targets" }, onclick: then(acts.targets) }),
      session && may && button(t("work.close"), { data: { testid: "close" }, onclick: then(acts.close) }),
      session && may && session.lead !== app.me.label && button(t("work.take_lead"), { onclick: then(acts.lead) }),
      may && button(t("work.ready"), { onclick: go(`#/ready/${enc}`) }),
      may && button(t("work.invite"), { onclick: go(`#/join/${enc}`) }),
      button(t("app.rooms"), { onclick: go("#/") }),
      may && button(t("app.sessions"), { onclick: go("#/sessions") }),
      button(t("app.settings"), { onclick: go("#/settings") }),
      button(t("work.help"), { data: { testid: "help" }, onclick: then(() => openHelp(app)) }),
    ),
    looks(),
    !isAwake && el("p", {}, el("small", { text: t("work.sleeps") })),
  );
  const layer = app.dialog(t("work.menu"), content, { name: "menu-layer" });
}

/** The theme and the therapist's own sounds: this browser's matter, for any view that shows it. */
export function looks() {
  const one = (name, values, labels, now, chosen) =>
    el(
      "fieldset",
      { class: "looks" },
      el("legend", { text: t(`work.looks.${name}`) }),
      el(
        "div",
        { class: "row" },
        values.map((value, at) =>
          button(labels[at], {
            "aria-pressed": String(value === now),
            data: { testid: `${name}-${value}` },
            onclick: (event) => {
              chosen(value);
              for (const node of event.currentTarget.parentElement.children) mark(node, "aria-pressed", String(node === event.currentTarget));
            },
          }),
        ),
      ),
    );
  const onOff = [t("work.off"), t("work.on")];
  const sound = (value) => {
    choose("sound", value);
    readySound();
    if (value) answer("noted");
  };
  return el(
    "div",
    {},
    one("theme", themes, themes.map((name) => t(`work.theme.${name}`)), theme(), (value) => choose("theme", value)),
    one("sound", [false, true], onOff, pref("sound", false), sound),
    one("volume", VOLUMES, VOLUMES.map((value) => t("work.volume", { pct: Math.round(value * 100) })), pref("volume", 0.4), (value) => {
      choose("volume", value);
      answer("noted");
    }),
    canBuzz && one("buzz", [false, true], onOff, pref("buzz", false), (value) => {
      choose("buzz", value);
      answer("noted");
    }),
  );
}

/** Says what the keys do, and how a pass is counted. */
export function openHelp(app) {
  const rows = KEYS.map((name) => [el("dt", { text: t(`work.key.${name}`) }), el("dd", { text: t(`work.key.${name}_does`) })]);
  app.dialog(t("work.help"), el("div", {}, el("dl", { class: "keys" }, rows), el("p", { text: t("work.help_touch") }), el("p", { text: t("work.help_pass") }), el("p", { text: t("work.help_side") })), { name: "help-layer" });
}

const UNLOCK_MS = 1500;

/** The lock: `wipe` for cleaning the glass, `screen` to hide the client's data. Stop works under both. */
export function makeLock(changed) {
  let now = sessionStorage.getItem(LOCK);
  const words = el("h1", { class: "lock-words" });
  const hold = holdButton(t("work.unlock"), UNLOCK_MS, () => set(null), { data: { testid: "unlock" } });
  const box = el("div", { class: "lock", hidden: true }, words, hold.node);

  function set(next) {
    now = next;
    if (next) sessionStorage.setItem(LOCK, next);
    else sessionStorage.removeItem(LOCK);
    show();
    changed();
    if (next) hold.node.focus({ preventScroll: true });
  }

  function show() {
    box.hidden = !now;
    if (now) words.textContent = t(`work.locked.${now}`);
  }

  show();
  return {
    box,
    set,
    get now() {
      return now;
    },
  };
}
