/** `#/course`: one client over the visits: SUD and VOC as lines, the sets beneath, and all of it as a table. */
import { api } from "./api.js";
import { el, fill, put } from "./dom.js";
import { attempt, button, codeInput, field, form, head, outcome, table } from "./forms.js";
import { plot } from "./plot.js";
import { t } from "./text.js";
import { count, day, kind, shortDay } from "./words.js";

// The code stays in this tab's memory: never in an address, which others may read over a shoulder or in a list.
let held = "";

/** Keeps a client's code for this view. */
export function keepCode(code) {
  held = code;
}

export function mount(root) {
  const code = codeInput("search");
  code.value = held;
  const coded = field(t("course.code"), code);
  const said = outcome();
  const send = button(t("course.show"), null, { tone: "main", type: "submit" });
  const shown = el("div", { class: "course-shown" });

  async function look() {
    await attempt(
      send,
      said,
      async () => {
        const text = code.value.trim();
        if (!text) return;
        fill(shown);
        const points = await api.post("/clients/course", { code: text });
        held = text;
        show(Array.isArray(points) ? points : points.points);
      },
      { code: coded },
    );
  }

  function show(points) {
    if (points.length === 0) {
      said.say(t("course.none"));
      return;
    }
    const name = (point) => `${day(point.opened_at, point.zone)} (${kind(point.kind)})`;
    const at = (_, i) => i + 1; // visit after visit: the days between them say little
    const first = points.filter((point) => point.first_sud != null);
    const series = (key, low, high, axis, mark, words) => ({
      name: t(words), low, high, axis, mark,
      points: points
        .map((point, i) => ({ at: at(point, i), value: point[key], title: `${name(point)}: ${t(words)} ${point[key]}` }))
        .filter((one) => one.value != null),
    });
    const most = Math.max(1, ...points.map((point) => point.sets));
    const last = points.at(-1);
    fill(shown, 
      plot({
        title: t("course.plot"),
        summary: t("course.plot_words", {
          visits: count("open.visits", points.length),
          first: first[0]?.first_sud ?? "–",
          last: last.last_sud ?? "–",
        }),
        xs: points.map((point, i) => ({ at: at(point, i), label: shortDay(point.opened_at, point.zone) })),
        series: [
          series("first_sud", 0, 10, "left", "ring", "course.first_sud"),
          series("last_sud", 0, 10, "left", "disc", "course.last_sud"),
          series("last_voc", 1, 7, "right", "square", "course.last_voc"),
        ],
        barsName: t("course.bars"),
        bars: points.map((point, i) => ({
          at: i + 0.85,
          until: i + 1.15,
          height: point.sets / most,
          title: `${name(point)}: ${count("after.sets_n", point.sets)}`,
        })),
      }),
      table(el("table", { class: "cards" },
        el("caption", {}, t("course.table")),
        head("course", ["visit", "kind", "first_sud", "last_sud", "last_voc", "sets", "passes"]),
        el("tbody", {}, ...points.map(row)))),
    );
  }

  put(root, 
    el("main", { class: "page course", id: "main" },
      el("a", { class: "back", href: "#/sessions" }, t("course.back")),
      el("h1", {}, t("course.title")),
      el("p", { class: "quiet" }, t("course.words")),
      el("div", { class: "panel" }, form(look, el("div", { class: "ask" }, coded.box, el("div", { class: "row" }, send)), said.box)),
      shown),
  );
  if (held) look();
  return { update() {}, leave() {} };
}

function row(point) {
  const cell = (name, value) => el("td", { "data-label": t(`course.${name}`) }, value == null ? "–" : String(value));
  const id = point.id ?? point.session;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: `#/session/${id}` }, day(point.opened_at, point.zone))),
    cell("kind", kind(point.kind)),
    cell("first_sud", point.first_sud),
    cell("last_sud", point.last_sud),
    cell("last_voc", point.last_voc),
    cell("sets", point.sets),
    cell("passes", point.passes),
  );
}
