// Moments in people's own zones. Formatters are costly to make, so each is made once.

const formatters = new Map();

export function inZone(moment, options, zone, language = "en-GB") {
  const key = `${zone}|${language}|${JSON.stringify(options)}`;
  let formatter = formatters.get(key);
  if (!formatter) formatters.set(key, formatter = new Intl.DateTimeFormat(language, {...options, timeZone: zone}));
  return formatter.format(moment);
}

const CLOCK = {hour: "2-digit", minute: "2-digit", hourCycle: "h23"};
const DAY = {weekday: "short", day: "numeric", month: "short"};

export const clockTime = (moment, zone) => inZone(moment, CLOCK, zone);
export const dayAndTime = (moment, zone) => `${shortDay(moment, zone)}, ${clockTime(moment, zone)}`;
export const shortDay = (moment, zone) => inZone(moment, DAY, zone).replace(",", "");
export const year = (moment, zone) => inZone(moment, {year: "numeric"}, zone);
export const longDay = (moment, zone) => inZone(moment, {weekday: "long", day: "numeric", month: "long"}, zone);
export const dateKey = (moment, zone) => inZone(moment, {year: "numeric", month: "2-digit", day: "2-digit"}, zone);
export const city = zone => zone.split("/").at(-1).replaceAll("_", " ");

/** "today 14:05", "tomorrow 08:00", or the day. */
export function nearTime(moment, now, zone) {
  const day = dateKey(moment, zone);
  if (day === dateKey(now, zone)) return `today ${clockTime(moment, zone)}`;
  if (day === dateKey(now + 86_400_000, zone)) return `tomorrow ${clockTime(moment, zone)}`;
  if (day === dateKey(now - 86_400_000, zone)) return `yesterday ${clockTime(moment, zone)}`;
  return dayAndTime(moment, zone);
}

/** "in 5 min", "in 3 h", "in 6 days". */
export function until(milliseconds) {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 90) return `in ${minutes} min`;
  if (minutes < 48 * 60) return `in ${Math.round(minutes / 60)} h`;
  return `in ${Math.round(minutes / 1440)} days`;
}

/** How far a zone's clock is ahead of UTC at a moment, in milliseconds. */
export function offset(moment, zone) {
  const shown = inZone(moment, {year: "numeric", month: "2-digit", day: "2-digit", ...CLOCK, second: "2-digit"}, zone);
  const [day, month, year, hour, minute, second] = shown.match(/\d+/g).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/** Whether two zones' clocks show the same, in summer and in winter. */
export function sameClock(one, other, now) {
  const halfYear = 182 * 86_400_000;
  return one === other || [now, now + halfYear].every(moment => offset(moment, one) === offset(moment, other));
}

/** The moment at which a zone's clock shows `hour` on the day (counted from that of `start`). */
export function localHour(start, days, hour, zone) {
  const local = new Date(start + offset(start, zone));
  const wanted = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + days, hour);
  const guess = wanted - offset(wanted, zone);
  return wanted - offset(guess, zone);
}
