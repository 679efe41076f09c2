// A control that acts only when it is held: what must not happen by a finger that was on its way elsewhere.

import { el, mark } from "./dom.js";

/** Makes a button that calls `act` once it has been held for `ms`: by a finger, a mouse, Space or Enter. */
export function holdButton(text, ms, act, props = {}) {
  const bar = el("span", { class: "hold-bar", "aria-hidden": "true" });
  const words = el("span", { class: "hold-words", text });
  const node = el("button", { type: "button", ...props, class: `hold ${props.class ?? ""}`.trim() }, bar, words);
  bar.style.setProperty("--hold", `${ms}ms`);
  let timer = 0;

  function press() {
    if (timer || node.disabled) return;
    mark(node, "data-held", true);
    timer = setTimeout(() => {
      release();
      // What it was for may be over meanwhile: then it is not there any more.
      if (!node.disabled && node.isConnected && !node.closest("[hidden]")) act();
    }, ms);
  }

  function release() {
    clearTimeout(timer);
    timer = 0;
    mark(node, "data-held", null);
  }

  node.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    event.stopPropagation();
    press();
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave", "blur"]) node.addEventListener(end, release);
  node.addEventListener("contextmenu", (event) => event.preventDefault()); // what a long touch would open
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  node.addEventListener("keyup", (event) => {
    if (event.key === "Enter" || event.key === " ") event.preventDefault();
    release();
  });
  return { node, words };
}
