// The way in for a screen that nobody has let in yet: a link's one-time token, or six digits.

import { api } from "./api.js";
import { button, el } from "./dom.js";
import { t } from "./text.js";

/** The one-time token in the address, if there is one; it is taken out of the address at once. */
export function takeOffer() {
  const match = /^#join=([\w-]{1,100})$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return match[1];
}

/** Asks for what lets this screen in, then calls `done`. `token`: a one-time token, or null for the digits. */
export function makeEntry(room, token, done) {
  const wrong = el("p", { class: "wrong", role: "alert" });

  async function join(body) {
    wrong.textContent = "";
    try {
      await api.post("/join", { ...body, label: t("light.label") });
    } catch (error) {
      wrong.textContent = error.words;
      return;
    }
    box.remove();
    done();
  }

  function byDigits() {
    const input = el("input", {
      id: "digits", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 6, pattern: "[0-9]{6}",
      required: true,
    });
    const submit = (event) => {
      event.preventDefault();
      join({ digits: input.value.trim() });
    };
    return el("form", { on: { submit } },
      el("label", { htmlFor: "digits", text: t("light.digits") }), input,
      el("button", { class: "main", type: "submit", text: t("light.enter") }));
  }

  // A tap and no more: whoever only looks at the link (a preview, a scanner) spends nothing.
  const way = token === null
    ? [el("p", { text: t("light.entry_digits") }), byDigits()]
    : [
      el("p", { text: t("light.entry_link") }),
      button(t("light.open_here"), { class: "main", on: { click: () => join({ token }) } }),
    ];
  const box = el("section", { class: "entry", "aria-labelledby": "entry-title", data: { testid: "entry" } },
    el("h1", { id: "entry-title", text: t("light.entry_title", { room }) }), way, wrong);
  return box;
}
