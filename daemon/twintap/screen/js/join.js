/** `#/join/ROOM`: a way in for another screen: a QR code, six digits, and who may do what with it. */
import { api } from "./api.js";
import { el, fill, put } from "./dom.js";
import { attempt, button, choice, field, form, outcome, tick } from "./forms.js";
import { t } from "./text.js";
import { tokensPanel } from "./tokens.js";
import { count } from "./words.js";

const ROLES = ["therapist", "observer", "display"];

export function mount(root, app, params) {
  const room = params.room;
  const said = outcome();
  const label = el("input", { type: "text", autocomplete: "off", maxlength: 40 });
  const labelled = field(t("join.label"), label, { hint: t("join.label_hint") });
  const notes = tick(t("join.notes"), false, { hint: t("join.notes_hint") });
  const role = choice(
    t("join.role"),
    ROLES.map((name) => ({ value: name, label: t(`join.role.${name}`), hint: t(`join.role.${name}_hint`) })),
    "therapist",
    showNotes,
  );
  const send = button(t("join.make"), null, { tone: "main tall", type: "submit" });
  const card = el("section", { class: "panel offer-card", hidden: true, "aria-labelledby": "join-offer" });
  let timer = 0;

  function showNotes() {
    notes.box.hidden = role.value !== "observer";
  }
  showNotes();

  async function make() {
    await attempt(
      send,
      said,
      async () => {
        const body = { room, role: role.value };
        if (label.value.trim()) body.label = label.value.trim();
        if (role.value === "observer") body.notes = notes.control.checked;
        show(await api.post("/join/offers", body));
      },
      { label: labelled },
    );
  }

  function show(offer) {
    window.clearInterval(timer);
    const left = el("p", { class: "quiet" });
    const back = button(t("join.withdraw"), () =>
      attempt(back, said, async () => {
        await api.del(`/join/offers/${offer.id}`);
        window.clearInterval(timer);
        fill(card, el("p", { role: "status" }, t("join.withdrawn")));
      }),
    );
    const code = el("img", {
      class: "qr", alt: t("join.qr_alt"), width: 320, height: 320,
      src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(offer.qr_svg)}`,
    });
    const digits = el("p", { class: "six" }, `${offer.digits.slice(0, 3)} ${offer.digits.slice(3)}`);
    const address = el("p", { class: "address" }, new URL(offer.url).origin);
    fill(card, 
      el("h2", { id: "join-offer", tabindex: "-1" }, t(`join.offer.${role.value}`)),
      el("div", { class: "offer-ways" },
        el("div", {}, el("h3", {}, t("join.by_qr")), code),
        el("div", {},
          el("h3", {}, t("join.by_digits")),
          el("p", {}, t("join.open_at")), address,
          el("p", {}, t("join.and_type")), digits,
          left,
          el("div", { class: "row" }, back)),
      ),
      offer.reach === "computer" ? el("p", { class: "known warn" }, t("join.computer_only")) : null,
    );
    card.hidden = false;
    const ends = new Date(offer.expires_at).getTime();
    const look = () => {
      const minutes = Math.ceil((ends - Date.now()) / 60_000);
      if (minutes > 0) {
        const text = count("join.expires", minutes);
        if (left.textContent !== text) left.textContent = text;
        return;
      }
      window.clearInterval(timer);
      fill(card, el("p", {}, t("join.expired")));
    };
    look();
    timer = window.setInterval(look, 1000);
    card.querySelector("h2")?.focus();
  }

  put(root, 
    el("main", { class: "page join", id: "main" },
      el("a", { class: "back", href: `#/ready/${encodeURIComponent(room)}` }, t("join.back", { room })),
      el("h1", {}, t("join.title", { room })),
      el("div", { class: "join-columns" },
        el("section", { class: "panel" },
          form(make, role.box, labelled.box, notes.box, el("div", { class: "row" }, send), said.box)),
        card,
      ),
      app.me?.role === "admin" ? tokensPanel({ room }) : null,
    ),
  );
  return {
    update() {},
    leave() {
      window.clearInterval(timer);
    },
  };
}
