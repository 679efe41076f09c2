/** What a pulser's state is called: battery, link, rest, trim. The same words in the list and on its own page. */
import { batteryPct, stateOf } from "./hands.js";
import { t } from "./text.js";
import { clock, day, number } from "./words.js";

const LOUD_DBM = [[-60, "strong"], [-70, "good"], [-80, "weak"]];
const HOUR_MIN = 60;

/** Its state in one line with what to do, and its `tone`: good, waits or stops. */
export function lineOf(pulser, room) {
  const isUnready = (room?.problems ?? []).some((one) => one.code === "unready" && one.side === pulser.side);
  return stateOf(pulser, isUnready, pulser.link === "seeking");
}

/** Its battery: how full, what it says of itself, and for how long. */
export function batteryOf(pulser) {
  const pct = batteryPct(pulser.battery_mv);
  const parts = [];
  if (pct !== null) parts.push(t("ready.pulser.battery_pct", { pct }));
  if (pulser.battery === "low" || pulser.battery === "empty") parts.push(t(`pulsers.battery.${pulser.battery}`));
  if (pulser.charging) parts.push(t("pulsers.battery.charging"));
  else if (pulser.charge_left_min != null) parts.push(spanLeft(pulser.charge_left_min));
  if (parts.length) return parts.join(" · ");
  return t(pulser.link === "linked" ? "ready.pulser.battery_unknown" : "ready.pulser.battery_unheard");
}

const spanLeft = (min) =>
  min >= HOUR_MIN
    ? t("pulsers.battery.hours", { h: number(min / HOUR_MIN, min < 5 * HOUR_MIN ? 1 : 0) })
    : t("pulsers.battery.minutes", { min: number(min, 0) });

// How loud it is, as a word's name.
const loudness = (dbm) => LOUD_DBM.find(([from]) => dbm >= from)?.[1] ?? "faint";

/** Its link with the daemon, and how well it hears its network. */
export function linkOf(pulser) {
  if (pulser.power === "asleep") return t("pulsers.link.asleep");
  const link = t(`pulsers.link.${pulser.link}`);
  if (pulser.link !== "linked" || pulser.rssi_dbm == null) return link;
  return `${link} · ${signal(pulser.rssi_dbm)}`;
}

/** A radio's level in words, with its number for whoever asks. */
export const signal = (dbm) => t("pulsers.signal", { how: t(`pulsers.signal.${loudness(dbm)}`), dbm: number(dbm, 0).replace("-", "−") });

/** Whether it rests. */
export const powerOf = (pulser) => t(`pulsers.power.${pulser.power ?? "unknown"}`);

/** Its motor's trim. */
export const trimOf = (pulser) =>
  pulser.trim_pct == null ? t("pulsers.unknown") : t("pulsers.pct", { pct: number(pulser.trim_pct, 0) });

/** When it was last heard: now, at a time of today, or on a day. */
export function seenOf(pulser) {
  if (pulser.link === "linked") return t("ready.pulser.seen_now");
  if (!pulser.last_heard_at) return t("ready.pulser.seen_never");
  const at = pulser.last_heard_at;
  const isToday = day(at) === day(new Date().toISOString());
  return isToday ? clock(at) : `${day(at)}, ${clock(at)}`;
}

/** Whether it can be made to buzz now, in its room's state. */
export function canBuzz(pulser, room) {
  const isRunning = room?.set && room.set.state !== "ended";
  return pulser.link === "linked" && !pulser.charging && !isRunning;
}
