// The way in: a one-time link that one tap spends, or six digits that another screen shows.

import { api } from "./api.js";
import { button, el, field, say } from "./dom.js";
import { t } from "./text.js";

/** Shows the way in. `token`: what the link carried, or null; `joined(me)` is called with who one is then. */
export function land(root, token, joined) {
  const wrong = el("p", { class: "wrong", role: "alert" });
  const label = el("input", { type: "text", maxlength: 40, autocomplete: "off" });
  let held = token;

  async function join(control, body) {
    if (control.getAttribute("aria-busy")) return;
    control.setAttribute("aria-busy", "true");
    say(wrong, "");
    const name = label.value.trim();
    try {
      const me = await api.post("/join", name ? { ...body, label: name } : body);
      joined(me);
    } catch (error) {
      if (error.name !== "Refusal") throw error;
      say(wrong, error.words);
      // Spent or expired: what is left is another link, or the digits.
      if (held && error.status >= 400) {
        held = null;
        draw(wrong.textContent);
      }
    } finally {
      control.removeAttribute("aria-busy");
    }
  }

  function draw(text = "") {
    say(wrong, text);
    const head = el("h1", {}, el("img", { src: "/ui/icon.svg", alt: "" }), t("land.title"));
    root.replaceChildren(el("main", { class: "landing" }, head, ...(held ? byLink() : byDigits()), wrong));
    root.querySelector(held ? "button.main" : "input")?.focus();
  }

  function byLink() {
    const open = button(t("land.open"), { class: "main", data: { testid: "join" }, onclick: () => join(open, { token: held }) });
    return [el("p", { text: t("land.link") }), open];
  }

  function byDigits() {
    const digits = el("input", {
      type: "text", class: "digits", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 7, data: { testid: "digits" },
    });
    const send = el("button", { type: "submit", class: "main", text: t("land.join") });
    const submit = (event) => {
      event.preventDefault();
      const code = digits.value.replace(/\D/g, "");
      if (code.length === 6) join(send, { digits: code });
      else say(wrong, t("land.six"));
    };
    return [
      el("p", { text: t("land.how") }),
      el("form", { onsubmit: submit, novalidate: true }, field(t("land.digits"), digits), field(t("land.label"), label, t("land.label_hint")), send),
    ];
  }

  draw();
}
