/** `#/ready/ROOM`: both pulsers, what is wrong with them and what to do, the hands, and the visit to open. */
import { api, wake } from "./api.js";
import { el, fill, put, say } from "./dom.js";
import { figure, seat as seatNow, sidesAsSeen } from "./figure.js";
import { attempt, button, colourName, colours, outcome, paint } from "./forms.js";
import { openPanel } from "./open.js";
import { pulserCard } from "./hands.js";
import { choose } from "./prefs.js";
import { isOn } from "./stop.js";
import { t } from "./text.js";
import { clock, count, kind } from "./words.js";
import { wordsOf } from "./trouble.js";
import { tryOut } from "./tryout.js";

export function mount(root, app, params) {
  const room = params.room;
  const path = `/rooms/${encodeURIComponent(room)}`;
  const may = app.commands;
  const title = el("h1", {}, el("span", { class: "swatch", "aria-hidden": "true" }), room);
  const said = outcome();
  const card = (side) => pulserCard(side, room, said, may, app.me?.role === "admin");
  const cards = { right: card("right"), left: card("left") };

  const pair = el("div", { class: "pair" }, cards.right.box, figure(), cards.left.box);
  const seated = seatSwitch(pair);
  const problems = el("ul", { class: "problems", "aria-live": "polite", "aria-label": t("ready.problems") });
  const healthy = el("p", { class: "healthy", role: "status" });
  const swap = button(t("ready.swap"), swapSides, { tone: "quiet" });
  const trial = may ? tryOut(path) : null;
  const opener = may ? openPanel(app, room, { hands, levels: () => trial.kept }) : null;
  const atWork = el("section", { class: "panel at-work", hidden: true });
  const colour = may ? colourPanel(path) : null;
  const rouse = button(t("ready.wake"), () => attempt(rouse, said, () => wake(room)), { hidden: true });
  let now = null;
  let isWoken = false;

  /** The sides that a press has confirmed, as the daemon counts them: of the open session, or of the next. */
  function hands() {
    return now?.session?.hands ?? now?.hands ?? [];
  }

  async function swapSides() {
    await attempt(swap, said, async () => {
      await api.post(`${path}/swap`);
      said.say(t("ready.swapped"));
    });
  }

  const waiting = el("p", { class: "waiting", role: "status" }, t("ready.asking"));
  const shown = el(
    "div",
    { class: "ready-columns", hidden: true },
    el(
      "section",
      { class: "ready-pulsers", "aria-labelledby": "ready-pulsers" },
      el("h2", { id: "ready-pulsers" }, t("ready.pulsers")),
      seated,
      pair,
      healthy,
      problems,
      el("div", { class: "row" }, may ? [swap, rouse] : null, el("a", { class: "button quiet", href: "#/pulsers" }, t("ready.pulsers_go"))),
      said.box,
      trial?.box,
    ),
    el("div", { class: "ready-open" }, atWork, opener?.box),
    el("div", { class: "ready-more" }, may ? invite(room) : null, colour?.box),
  );
  const main = el(
    "main",
    { class: "page ready", id: "main" },
    el("a", { class: "back", href: "#/" }, t("ready.back")),
    title,
    waiting,
    shown,
  );
  put(root, main);

  function update(view) {
    now = view;
    shown.hidden = !view;
    waiting.hidden = !!view;
    if (!view) {
      // The daemon is there and says nothing of this room: it is none, or not for this browser.
      say(waiting, app.live.isFresh ? t("ready.unknown", { room }) : t("ready.asking"));
      return;
    }
    if (may && !isWoken) wake(room);
    isWoken = true;
    paint(main, view.colour);
    const isRunning = isOn(view.set);
    for (const side of ["left", "right"]) {
      const isUnready = view.problems.some((problem) => problem.code === "unready" && problem.side === side);
      cards[side].show(view[side], { isRunning, isUnready, isConfirmed: hands().includes(side) });
    }
    showProblems(view);
    rouse.hidden = ![view.left, view.right].some((one) => one?.power === "drowsy");
    swap.disabled = isRunning || !view.left || !view.right;
    trial?.show(view);
    colour?.show(view);
    opener?.show(view);
    showSession(view);
  }

  function showProblems(view) {
    const all = [...(view.problems ?? []), ...(view.troubles ?? [])];
    // Two that are the same, as of a pair that wakes, are said once.
    const lines = all.map((problem) => ({
      tone: view.problems.includes(problem) && problem.code !== "waking" ? "stops" : "warns",
      text: wordsOf(problem),
    })).filter((line, i, all) => all.findIndex((one) => one.text === line.text) === i);
    // Rewritten only when it says something new: else a screen reader would say it again and again.
    const key = lines.map((line) => line.text).join("\n");
    if (problems.dataset.key !== key) {
      problems.dataset.key = key;
      fill(problems, ...lines.map((line) => el("li", { "data-tone": line.tone }, line.text)));
    }
    const good = view.ready ? t("ready.good") : "";
    if (healthy.textContent !== good) healthy.textContent = good;
    healthy.hidden = !view.ready;
  }

  function showSession(view) {
    const session = view.session;
    atWork.hidden = !session;
    if (opener) opener.box.hidden = !!session;
    if (!session) return;
    const key = `${session.id} ${session.sets}`;
    if (atWork.dataset.key === key) return;
    atWork.dataset.key = key;
    fill(atWork, 
      el("h2", {}, t("ready.session.title")),
      // No code here: a client may be looking at this screen.
      el("p", {}, t("ready.session.since", { kind: kind(session.kind), at: clock(session.opened_at) })),
      el("p", { class: "quiet" }, count("ready.session.sets", session.sets)),
      el("a", { class: "button main", href: `#/work/${encodeURIComponent(room)}` }, t("ready.session.go")),
      may ? el("a", { class: "button quiet", href: `#/session/${session.id}` }, t("ready.session.end")) : null,
    );
  }

  update(null);
  return {
    update,
    leave() {
      opener?.leave?.();
      for (const card of Object.values(cards)) card.leave();
    },
  };
}

/** Left is the client's left. Where that is on the screen depends on how the two sit. */
function seatSwitch(pair) {
  const line = el("p", { class: "seat" });
  const turn = button("", () => turnTo(pair.dataset.seat === "facing" ? "beside" : "facing"), { tone: "quiet small" });
  function turnTo(how) {
    choose("seat", how); // how the two sit is this browser's own matter, and nothing of the client's
    seat(how);
  }
  function seat(how) {
    pair.dataset.seat = how;
    line.textContent = t(`ready.seat.${how}`);
    turn.textContent = t(`ready.seat.${how}_turn`);
    // The order in which cards are read follows what is seen.
    const [first, second] = sidesAsSeen(how);
    const card = (side) => pair.querySelector(`[data-side="${side}"]`);
    if (pair.firstElementChild !== card(first)) {
      pair.prepend(card(first));
      pair.append(card(second));
    }
  }
  seat(seatNow());
  return el("div", { class: "row seat-row" }, line, turn);
}

function invite(room) {
  return el(
    "section",
    { class: "panel" },
    el("h2", {}, t("ready.invite.title")),
    el("p", {}, t("ready.invite.words")),
    el(
      "div",
      { class: "row" },
      el("a", { class: "button", href: `#/join/${encodeURIComponent(room)}` }, t("ready.invite.go")),
    ),
  );
}

function colourPanel(path) {
  const said = outcome();
  const made = colours(t("ready.colour.legend"), null, (value) =>
    attempt(made.box, said, async () => {
      await api.patch(path, { colour: value });
      said.say(t("ready.colour.done"));
    }),
  );
  const summary = el("summary", {}, "");
  return {
    box: el("details", { class: "panel" }, summary, el("p", {}, t("ready.colour.words")), made.box, said.box),
    show(view) {
      const text = t("ready.colour.title", { colour: colourName(view.colour) });
      if (summary.textContent !== text) summary.textContent = text;
      if (made.value !== view.colour) made.set(view.colour);
    },
  };
}
