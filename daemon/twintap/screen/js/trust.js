// How a device learns to trust this daemon. Shown before anybody has joined, so it asks for no token.

import { el, put } from "./dom.js";
import { loadText, t } from "./text.js";
import { showTheme } from "./prefs.js";

const CERTIFICATE = "/twintap.crt";
const PROFILE = "/twintap.mobileconfig";

// Each system with its file, and how many steps its texts have.
const SYSTEMS = [
  { name: "ipad", file: PROFILE, steps: 5 },
  { name: "android", file: CERTIFICATE, steps: 4 },
  { name: "windows", file: CERTIFICATE, steps: 4 },
  { name: "mac", file: PROFILE, steps: 4 },
  { name: "other", file: CERTIFICATE, steps: 2 },
];

/** The system on which this page is read, as far as a browser says; an iPad says that it is a Mac. */
export function systemOf(agent, touches) {
  if (/iPad|iPhone/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) return "ipad";
  if (/Android/.test(agent)) return "android";
  if (/Windows/.test(agent)) return "windows";
  if (/Macintosh/.test(agent)) return "mac";
  return "other";
}

function steps(system) {
  const list = el("ol");
  for (let n = 1; n <= system.steps; n += 1) put(list, el("li", { text: t(`trust.${system.name}.${n}`) }));
  return list;
}

function section(system, isHere) {
  return el("details", { open: isHere, data: { testid: `trust-${system.name}` } },
    el("summary", { text: t(`trust.${system.name}`) }),
    el("div", { class: "steps" },
      el("p", {}, el("a", { class: "button main", href: system.file, download: "", text: t("trust.get") })),
      steps(system)));
}

function compare(trust) {
  const pairs = el("ol", { class: "print", data: { testid: "fingerprint" } });
  for (const pair of trust.fingerprint.split(" ")) put(pairs, el("li", { text: pair }));
  return el("section", { class: "compare" },
    el("h2", { text: t("trust.compare") }),
    el("p", { text: t("trust.compare_how") }),
    pairs,
    el("p", { text: t("trust.listed_as", { name: trust.name }) }));
}

function page(view, trust) {
  document.title = t("trust.title");
  put(view, el("h1", { text: t("trust.title") }));
  if (!trust.tls) {
    put(view, el("p", { class: "lead", text: t("trust.nothing") }));
  } else {
    const here = systemOf(navigator.userAgent, navigator.maxTouchPoints);
    const order = [...SYSTEMS].sort((one, other) => (other.name === here) - (one.name === here));
    put(view,
      el("p", { class: "lead", text: t("trust.why") }),
      el("p", { text: t("trust.bounds") }),
      compare(trust),
      order.map((system) => section(system, system.name === here)));
  }
  put(view, el("p", {}, el("a", { class: "button", href: "/", text: t("trust.back") })));
}

async function start() {
  showTheme();
  const [answer] = await Promise.all([fetch("/api/v1/trust"), loadText()]);
  const view = document.getElementById("view");
  if (answer.ok) page(view, await answer.json());
  else put(view, el("p", { class: "lead", text: t("trust.failed") }));
}

start();
