/** The networks that a pulser keeps, changed over its sealed link: one more, or one less. */
import { api } from "./api.js";
import { el, say } from "./dom.js";
import { attempt, button, field, form, outcome } from "./forms.js";
import { t } from "./text.js";
import { count } from "./words.js";

const SSID_MAX = 32;
const PASSWORD_MIN = 8;
const PASSWORD_MAX = 64; // as many digits has a key that was made of one

/** Whether a password that is typed here stays between this browser and its daemon: loopback or TLS. */
export const isPrivate = () => window.isSecureContext;

const bytes = (text) => new TextEncoder().encode(text).length;

/** A field for a network's name. */
export const ssidField = (label) =>
  field(label, el("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: SSID_MAX }));

/** What is wrong with a network's name, in words; "": nothing. */
export function ssidFault(ssid) {
  if (!ssid) return t("network.name_missing");
  return bytes(ssid) > SSID_MAX ? t("network.name_long") : "";
}

/** What is wrong with a network's password, in words; "": nothing. `isOpen`: it may be left empty. */
export function passwordFault(password, isOpen) {
  if (!password) return isOpen ? "" : t("network.password_missing");
  const size = bytes(password);
  return size < PASSWORD_MIN || size > PASSWORD_MAX ? t("network.password_size") : "";
}

/** A field for a Wi-Fi password, with a tick to see it. Gives a field, with `value` and `clear()`. */
export function passwordField(hint = "") {
  const input = el("input", { type: "password", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: PASSWORD_MAX });
  const made = field(t("network.password"), input, { hint });
  const look = el("input", { type: "checkbox" });
  look.addEventListener("change", () => {
    input.type = look.checked ? "text" : "password";
  });
  made.box.append(el("label", { class: "tick" }, look, el("span", {}, t("network.show"))));
  return {
    ...made,
    get value() {
      return input.value;
    },
    clear() {
      input.value = "";
      look.checked = false;
      input.type = "password";
    },
  };
}

/** Why no password is typed on this page, and where it can be. */
export const plainNote = () => el("p", { class: "pulser-note" }, t("network.plain"));

/** The panel of the pulser at `path`. Gives {box, show(pulser, room)}. */
export function networksPanel(path) {
  const kept = el("p", { class: "known" });
  const said = outcome();
  const ssid = ssidField(t("network.name"));
  const password = passwordField(t("network.password_open"));
  const keep = button(t("network.keep"), null, { type: "submit" });
  const old = ssidField(t("network.forget_name"));
  const forget = button(t("network.forget"), null, { type: "submit" });

  const add = () =>
    attempt(keep, said, async () => {
      const name = ssid.control.value;
      const wrong = ssidFault(name);
      const wrongPassword = passwordFault(password.value, true);
      ssid.say(wrong);
      password.say(wrongPassword);
      if (wrong || wrongPassword) return (wrong ? ssid : password).control.focus();
      await api.post(`${path}/networks`, { ssid: name, password: password.value });
      ssid.control.value = "";
      password.clear();
      said.say(t("network.kept", { ssid: name }));
      return undefined;
    }, { ssid, password });

  const drop = () =>
    attempt(forget, said, async () => {
      const name = old.control.value;
      old.say(ssidFault(name));
      if (ssidFault(name)) return old.control.focus();
      await api.post(`${path}/networks/forget`, { ssid: name });
      old.control.value = "";
      said.say(t("network.forgotten", { ssid: name }));
      return undefined;
    }, { ssid: old });

  const forgetting = el("div", { hidden: true },
    el("h3", {}, t("network.forget_title")),
    el("p", {}, t("network.forget_words")),
    form(drop, old.box, el("div", { class: "row" }, forget)));

  return {
    box: el(
      "section",
      { class: "panel", "aria-labelledby": "networks" },
      el("h2", { id: "networks" }, t("network.title")),
      el("p", {}, t("network.words")),
      kept,
      isPrivate() ? form(add, ssid.box, password.box, el("div", { class: "row" }, keep)) : plainNote(),
      forgetting,
      said.box,
    ),
    show(pulser) {
      const isThere = pulser.link === "linked";
      say(kept, isThere ? (pulser.networks == null ? t("network.count_unknown") : count("network.count", pulser.networks)) : t("network.unlinked"));
      keep.disabled = forget.disabled = !isThere;
      // One network is needed: the last one is not forgotten.
      const isLast = !isThere || (pulser.networks != null && pulser.networks < 2);
      if (isLast && forgetting.contains(document.activeElement)) keep.focus({ preventScroll: true });
      forgetting.hidden = isLast;
    },
  };
}
