// What lies over a view for a moment: dialogs, and lines that say what just happened. None of them ever
// stands before a stop: it lies above, and takes its keys first.

import { button, el } from "./dom.js";
import { t } from "./text.js";

const TOAST_MS = 6000;

/**
 * Makes the layers in `ground` and `toasts`; `beneath` are the elements that a dialog puts out of reach.
 * `changed()` is called when a dialog came or went.
 */
export function makeLayers(ground, toasts, beneath, changed) {
  const open = [];

  function show() {
    const top = open.at(-1);
    for (const one of open) one.box.inert = one !== top;
    for (const node of beneath) node.inert = open.length > 0;
    // What was said before waits until the dialog is gone; what is said of the dialog lies over it.
    if (!open.length) for (const toast of toasts.children) toast.hidden = false;
    changed();
  }

  function close(one) {
    const at = open.indexOf(one);
    if (at < 0) return;
    open.splice(at, 1);
    one.box.remove();
    show();
    one.closed?.();
    // Back to where the hand was, if that is still there.
    if (one.before?.isConnected) one.before.focus({ preventScroll: true });
  }

  /**
   * Opens a dialog with a title, what it holds, and a way out. `closed`: called once it is gone.
   * Gives {box, close}.
   */
  function dialog(title, content, { closed = null, focus = null, name = "" } = {}) {
    const head = el("h2", { id: `layer-${open.length}`, text: title });
    const out = button(t("app.close"), { class: "quiet", onclick: () => close(one) });
    const box = el(
      "section",
      { class: "layer", role: "dialog", "aria-modal": "true", "aria-labelledby": head.id, tabIndex: -1, data: { testid: name } },
      el("header", {}, head, out),
      content,
    );
    const one = { box, closed, before: document.activeElement, close: () => close(one) };
    open.push(one);
    for (const toast of toasts.children) toast.hidden = true;
    ground.append(box);
    show();
    (focus ?? box).focus({ preventScroll: true });
    return one;
  }

  /** Says a line for some seconds, with at most one thing to do about it. Gives the way to take it away. */
  function toast(text, { action = null, act = null, tone = "", ms = TOAST_MS } = {}) {
    const box = el("div", { class: "toast", data: { tone } }, el("span", { text }));
    const away = () => {
      clearTimeout(timer);
      box.remove();
    };
    if (action)
      box.append(
        button(action, {
          onclick: () => {
            away();
            act();
          },
        }),
      );
    const timer = setTimeout(away, ms);
    while (toasts.childElementCount >= 3) toasts.firstElementChild.remove();
    toasts.append(box);
    return away;
  }

  return {
    dialog,
    toast,
    /** Closes the topmost dialog, if there is one, and says whether. */
    closeTop() {
      const top = open.at(-1);
      if (top) close(top);
      return Boolean(top);
    },
    closeAll() {
      while (open.length) close(open.at(-1));
    },
    get isOpen() {
      return open.length > 0;
    },
  };
}
