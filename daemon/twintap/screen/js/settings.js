/** `#/settings`: the clinic's presets and prompts, who has a way in, this daemon, and forgetting a client. */
import { api } from "./api.js";
import { el, fill, put } from "./dom.js";
import { attempt, button, codeInput, facts, field, form, outcome } from "./forms.js";
import { devicePanel } from "./device.js";
import { doctorPanel } from "./doctor.js";
import { presetsPanel } from "./presets.js";
import { promptsPanel } from "./prompts.js";
import { t } from "./text.js";
import { tokensPanel } from "./tokens.js";
import { count } from "./words.js";

export function mount(root, app) {
  const isAdmin = app.me?.role === "admin";
  put(
    root,
    el("main", { class: "page settings", id: "main" },
      el("h1", {}, t("settings.title")),
      el("p", { class: "quiet" }, t("settings.you", { label: app.me?.label ?? "–", role: t(`settings.role.${app.me?.role}`) })),
      el("div", { class: "settings-columns" },
        devicePanel(),
        app.commands ? [promptsPanel(), presetsPanel()] : null,
        app.me?.role === "logger" ? null : pulsersPanel(),
        isAdmin ? doctorPanel() : null,
        isAdmin ? tokensPanel() : null,
        daemonPanel(app, isAdmin),
        isAdmin ? erasePanel() : null,
      )),
  );
  return { update() {}, leave() {} };
}

/** The way to the pulsers themselves. */
function pulsersPanel() {
  return el(
    "section",
    { class: "panel", "aria-labelledby": "pulsers" },
    el("h2", { id: "pulsers" }, t("pulsers.title")),
    el("p", {}, t("settings.pulsers.words")),
    el("div", { class: "row" }, el("a", { class: "button", href: "#/pulsers" }, t("settings.pulsers.go"))),
  );
}

/** What runs here, whether its journal is whole, and how to trust it. */
function daemonPanel(app, isAdmin) {
  const known = el("div");
  const said = outcome();
  const verdict = el("p", { class: "own-words", role: "status" });
  const rooms = el("ul", { class: "lights" });
  const hash = el("input", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: 80 });
  const hashed = field(t("settings.journal.head"), hash, { hint: t("settings.journal.head_hint") });
  const check = button(t("settings.journal.check"), null, { type: "submit" });
  const prove = () =>
    attempt(check, said, async () => {
      const head = hash.value.replace(/\s/g, "").toLowerCase();
      if (head && !/^[0-9a-f]{64}$/.test(head)) return hashed.say(t("settings.journal.head_wrong"));
      hashed.say("");
      verdict.classList.remove("wrong");
      verdict.textContent = t("settings.journal.checking");
      try {
        const found = await api.get(`/journal/verify${head ? `?head=${head}` : ""}`);
        verdict.classList.toggle("wrong", !found.ok);
        verdict.textContent = verdictOf(found);
      } catch (refusal) {
        verdict.textContent = "";
        throw refusal;
      }
      return undefined;
    });
  const box = el(
    "section",
    { class: "panel", "aria-labelledby": "daemon" },
    el("h2", { id: "daemon" }, t("settings.daemon.title")),
    known,
    isAdmin ? el("h3", {}, t("settings.journal.title")) : null,
    isAdmin ? el("p", {}, t("settings.journal.words")) : null,
    isAdmin ? form(prove, hashed.box, el("div", { class: "row" }, check), verdict) : null,
    el("h3", {}, t("settings.lights.title")),
    el("p", {}, t("settings.lights.words")),
    rooms,
    el("h3", {}, t("settings.trust.title")),
    el("p", {}, t("settings.trust.words")),
    el("div", { class: "row" }, el("a", { class: "button", href: "/trust" }, t("settings.trust.go"))),
    said.box,
  );
  attempt(box, said, async () => {
    const daemon = await api.get("/daemon");
    const lines = [
      [t("settings.daemon.version"), daemon.version],
      [t("settings.daemon.protocol"), daemon.protocol],
      [t("settings.daemon.id"), daemon.daemon_id],
      [t("settings.daemon.addresses"), daemon.addresses.map((one) => `${one.host}:${one.port}`).join(", ") || "–"],
    ];
    fill(known, facts(lines));
    const held = await api.get("/rooms");
    const light = ({ name }) => el("a", { href: `/light/${encodeURIComponent(name)}` }, t("settings.lights.of", { room: name }));
    fill(rooms, held.map((room) => el("li", {}, light(room))));
  });
  return box;
}

/** What a check of every chain found, in words. */
function verdictOf(found) {
  const broken = found.chains.find((chain) => chain.state === "broken");
  if (!broken && found.file_fault) return t("settings.journal.file", { why: found.file_fault });
  if (broken) return t("settings.journal.broken", { chain: broken.chain, seq: broken.at_seq ?? "–", why: broken.how ?? "" });
  if (found.missing_heads.length) return t("settings.journal.missing");
  return t("settings.journal.intact", { chains: count("settings.journal.chains", found.chains.length) });
}

/** Erasing a client for good. The code is typed twice; nothing brings it back. */
function erasePanel() {
  const first = field(t("settings.erase.code"), codeInput());
  const again = field(t("settings.erase.again"), codeInput(), { hint: t("settings.erase.again_hint") });
  again.box.hidden = true;
  const told = el("p", { class: "known warn", role: "status", hidden: true });
  const said = outcome();
  const look = button(t("settings.erase.look"), null, { type: "submit" });
  const go = button(t("settings.erase.go"), erase, { tone: "danger", hidden: true });
  let code = "";

  function back() {
    code = "";
    again.box.hidden = go.hidden = told.hidden = true;
    again.control.value = "";
    look.hidden = false;
  }
  first.control.addEventListener("input", back);

  const lookUp = () =>
    code
      ? erase()
      : attempt(
          look,
          said,
          async () => {
            const found = await api.post("/clients/lookup", { code: first.control.value.trim() });
            if (!found.known) return first.say(t("settings.erase.unknown"));
            code = found.code;
            told.textContent = t("settings.erase.told", { code, visits: count("open.visits", found.visits) });
            told.hidden = again.box.hidden = go.hidden = false;
            look.hidden = true;
            again.control.focus();
          },
          { code: first },
        );

  async function erase() {
    await attempt(
      go,
      said,
      async () => {
        // As the daemon has it: capitals, and one dash for spaces.
        if (again.control.value.trim().toUpperCase().split(/\s+/).join("-") !== code) {
          again.say(t("settings.erase.differs"));
          again.control.focus();
          return;
        }
        const erased = await api.post("/clients/erase", { code });
        first.control.value = "";
        const elsewhere = erased?.mentions?.length ?? 0;
        said.say([t("settings.erase.done"), elsewhere ? count("settings.erase.mentions", elsewhere) : ""].join(" ").trim());
        back();
      },
      { code: again },
    );
  }

  return el(
    "section",
    { class: "panel", "aria-labelledby": "erase" },
    el("h2", { id: "erase" }, t("settings.erase.title")),
    el("p", {}, t("settings.erase.words")),
    form(lookUp, first.box, told, again.box, el("div", { class: "row" }, look, go), said.box),
  );
}
