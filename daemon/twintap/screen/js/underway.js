/** The pairings that are under way, whoever began them: whoever left one in the middle finds it again. */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { t } from "./text.js";

const LOOK_MS = 2000;

/** A line for each, with the way to it. Gives {box, leave()}. */
export function underway() {
  const box = el("div", { class: "underway", role: "status" });
  let key = "[]";
  let timer = 0;
  let isLeft = false;

  async function look() {
    try {
      const found = (await api.get("/pairings")).filter((one) => one.state === "doing");
      if (isLeft) return;
      const next = JSON.stringify(found.map((one) => one.id));
      if (next !== key) fill(box, found.map(lineOf));
      key = next;
    } catch (refusal) {
      // A daemon that is gone is said by the line of trouble.
      if (refusal.name !== "Refusal") throw refusal;
    }
    if (!isLeft) timer = setTimeout(look, LOOK_MS);
  }

  look();
  return {
    box,
    leave() {
      isLeft = true;
      clearTimeout(timer);
    },
  };
}

const lineOf = ({ id, room, side }) =>
  el("p", { class: "pulser-note" },
    t("add.underway", { room, hand: t(`pulsers.hand.${side}`) }), " ",
    el("a", { href: `#/pairing/${id}` }, t("add.underway_go")));
