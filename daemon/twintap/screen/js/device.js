/** This browser's own choices: the theme, and the sounds that answer the therapist. Nothing here is a client's. */
import { el } from "./dom.js";
import { button, choice, field, tick } from "./forms.js";
import { choose, pref, theme, themes } from "./prefs.js";
import { answer, canBuzz, readySound } from "./sound.js";
import { t } from "./text.js";

export function devicePanel() {
  const looks = choice(
    t("settings.device.theme"),
    themes.map((name) => ({ value: name, label: t(`settings.theme.${name}`) })),
    theme(),
    (name) => choose("theme", name),
  );
  const sound = tick(t("settings.device.sound"), pref("sound", false), { hint: t("settings.device.sound_hint") });
  const loud = el("input", { type: "range", min: 0, max: 1, step: 0.1, value: String(pref("volume", 0.4)) });
  const volume = field(t("settings.device.volume"), loud);
  const hear = button(t("settings.device.hear"), () => {
    readySound();
    answer("start");
  });
  const buzz = tick(t("settings.device.buzz"), pref("buzz", false));
  const show = () => {
    volume.box.hidden = hear.hidden = !sound.control.checked;
  };
  sound.control.addEventListener("change", () => {
    choose("sound", sound.control.checked);
    readySound();
    show();
  });
  loud.addEventListener("change", () => choose("volume", Number(loud.value)));
  buzz.control.addEventListener("change", () => choose("buzz", buzz.control.checked));
  show();
  return el(
    "section",
    { class: "panel", "aria-labelledby": "device" },
    el("h2", { id: "device" }, t("settings.device.title")),
    el("p", {}, t("settings.device.words")),
    looks.box,
    sound.box,
    volume.box,
    canBuzz ? buzz.box : null,
    el("div", { class: "row" }, hear),
  );
}
