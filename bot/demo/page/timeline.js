// The coming weeks of one patient as a line, with every planned message as a dot.

import {button, count, find, icon, Keyed, make, moveFocus, setAttribute, setHidden, setText} from "./dom.js";
import {createPlanned, stateWords} from "./planned.js";
import {leastWidth, makeScale, ticks} from "./scale.js";
import {act, timeline as ask} from "./server.js";
import {city, dayAndTime, localHour, nearTime, sameClock, shortDay, until} from "./times.js";

const PAUSE = 500;        // asked at most so often
const SEARCH = 5_000;     // and whose line is the newest, so often
const CANDIDATES = 5;
const PAD = 40;
const END = 10;           // pixels from the axis' end to the track's
const DAY = 86_400_000;
const NIGHT_SEEN = 5;     // pixels from which a night is drawn
const touch = matchMedia("(pointer: coarse)");

export function createTimeline(app) {
  const track = find("#track");
  const layers = {
    scenery: make("div", {className: "scenery"}),
    dots: make("div", {className: "dots-row", role: "group", "aria-label": "Planned messages"}),
    now: make("div", {className: "now-line"}, make("span")),
  };
  const past = make("div", {className: "axis-past"});
  track.append(make("div", {className: "axis"}), past, layers.scenery, layers.now, layers.dots);
  const dots = new Keyed(layers.dots);
  const detail = createPlanned(app, () => current);
  let current = null;   // the line that is shown
  let place = null;     // its scale
  let drawn = "";       // what its background was drawn for
  let width = 0;
  let full = 0;         // the track's width: more than that where there are many dots

  layers.dots.addEventListener("keydown", event => moveFocus(event, [...layers.dots.children], ["ArrowLeft", "ArrowRight"]));
  layers.dots.addEventListener("click", event => {
    const dot = event.target.closest(".dot");
    if (dot) detail.open(Number(dot.dataset.id));
  });
  new ResizeObserver(entries => {
    width = Math.floor(entries[0].contentRect.width);
    if (current) show(current);
  }).observe(find("#line-scroll"));

  const refresh = fresh(app, show);

  function show(told) {
    const other = current?.person !== told?.person;
    current = told;
    if (other) detail.close();
    const planned = Boolean(told?.messages.length);
    setHidden(find("#line-scroll"), !planned);
    setHidden(find("#line-empty"), planned);
    setHidden(find("#legend"), !planned);
    showWords(app, told);
    showZone(app, told);
    detail.update();
    app.showNotices();
    if (!planned || !width) return;
    const gap = touch.matches ? 46 : 32;
    full = Math.max(width, leastWidth(told.messages.length, gap, PAD));
    const knots = told.messages.map(one => one.due);
    const start = told.session?.ended ?? Math.min(...knots);
    place = makeScale({start, from: Math.min(start, ...knots), to: told.to, knots, width: full, gap, pad: PAD});
    showBack(told);
    dots.show(told.messages.map(one => dotItem(one, told, place(one.due), stateWords(one, told, app))));
    tick(other);
  }

  function showBack(told) {
    const mark = JSON.stringify([told.person, told.from, told.to, told.session, told.visit, told.clock_changes, full, told.messages.map(one => one.due)]);
    if (mark === drawn) return;
    drawn = mark;
    track.style.setProperty("width", `${full}px`);
    layers.scenery.replaceChildren(...nights(told, place), ...marks(told, place));
  }

  /** The line that moves as the clock runs. */
  function tick(follow = false) {
    if (!place || !current?.messages.length) return;
    const beyond = daysBeyond(app.now(), current);
    layers.now.classList.toggle("beyond", beyond > 0);
    setText(layers.now.firstChild, beyond ? `Now: ${count(beyond, "day")} after the last` : "Now");
    const at = beyond ? full - END : Math.round(place(app.now()));
    if (layers.now.dataset.at !== String(at)) {
      layers.now.dataset.at = at;
      layers.now.style.setProperty("--x", `${at}px`);
      past.style.setProperty("--x", `${at}px`);
      follow = true;
    }
    if (follow) keepInView(find("#line-scroll"), at, width);
  }

  return {refresh, tick, current: () => current};
}

/** Days from the last thing on the line to now, if the line does not reach so far. */
function daysBeyond(now, line) {
  if (now <= line.to) return 0;
  return Math.max(1, Math.floor((now - Math.max(...line.messages.map(one => one.due), line.visit ?? 0)) / DAY));
}

function keepInView(scroller, at, width) {
  const left = scroller.scrollLeft;
  if (at < left + 20 || at > left + width - 40) scroller.scrollLeft = Math.max(0, at - width / 3);
}

/** Asks for the line that is to be shown, again after every news, but not too often. */
function fresh(app, show) {
  let busy = false;
  let again = false;
  let searched = {at: -SEARCH, key: "", person: null};

  async function whose() {
    const active = app.person(app.active);
    if (active.role === "patient") return active.id;
    const patients = app.state.people.filter(one => one.role === "patient" && one.last);
    const key = patients.map(one => one.id).join();
    if (key === searched.key && performance.now() - searched.at < SEARCH) return searched.person;
    searched = {at: performance.now(), key, person: await newest(patients)};
    return searched.person;
  }

  async function once() {
    const active = app.active;
    try {
      const person = await whose();
      const told = person ? await ask(person) : null;
      if (active === app.active) show(told);
    } catch {
      // The page says elsewhere that the demo is not running, and asks again once it is.
    }
  }

  return async function refresh() {
    again = busy;
    if (busy) return;
    busy = true;
    await once();
    setTimeout(() => {
      busy = false;
      if (again) refresh();
    }, PAUSE);
  };
}

/** The patient whose session is the latest, of those who were written to last. */
async function newest(patients) {
  const latest = [...patients].sort((a, b) => b.last.date - a.last.date).slice(0, CANDIDATES);
  const lines = await Promise.all(latest.map(one => ask(one.id)));
  const planned = lines.filter(line => line.messages.length).sort((a, b) => (b.session?.ended ?? 0) - (a.session?.ended ?? 0));
  return planned[0]?.person ?? null;
}

// Words above the line.

function showWords(app, told) {
  const person = told && app.person(told.person);
  setText(find("#line-title"), person ? `${person.name}: the coming weeks` : "The coming weeks");
  const messages = told?.messages ?? [];
  setText(find("#line-counts"), messages.length ? counts(messages, app.now()) : "");
  setText(find("#line-next"), told ? nextWords(app, told, person) : "");
  setText(find("#line-empty"), emptyWords(app, person));
}

/** The phone's zone and the bot's are not the same: whose clock counts, and the way out. */
function showZone(app, told) {
  const place = find("#line-zone");
  const person = told && app.person(told.person);
  const differs = Boolean(person && told.messages.length) && !sameClock(person.timezone, told.timezone, app.now());
  setHidden(place, !differs);
  const mark = differs ? `${person.id} ${person.timezone} ${told.timezone}` : "";
  if (place.dataset.mark === mark) return;
  place.dataset.mark = mark;
  place.replaceChildren(...(differs ? zoneNodes(app, told, person) : []));
}

function zoneNodes(app, told, person) {
  const name = person.name.split(" ")[0];
  const command = `/timezone ${city(person.timezone)}`;
  const say = () => {
    if (!app.shown.includes(person.id)) app.choose(person.id);
    act("say", {person: person.id, text: command});
  };
  return [`The bot goes by ${city(told.timezone)}’s clock for ${name}. ${name} can change that: `,
    button(command, say, {className: "link", "aria-label": `Send ${command} as ${name}`})];
}

function nextWords(app, told, person) {
  const now = app.now();
  const next = told.messages.filter(one => one.state === "scheduled" && one.due > now).sort((a, b) => a.due - b.due)[0];
  if (!next) return "";
  const where = person && person.timezone !== told.timezone ? ` in ${city(told.timezone)}` : "";
  return `Next: ${next.title}, ${nearTime(next.due, now, told.timezone)}${where} (${until(next.due - now)})`;
}

function emptyWords(app, person) {
  if (person) return `Nothing is planned for ${person.name} yet. Their messages stand here once the clinic has recorded a session and they have agreed.`;
  return "Nothing is planned yet. Record a session at the clinic, open its link as a patient and agree: their messages stand here.";
}

const COUNTED = [["scheduled", "planned"], ["waiting", "waiting"], ["sending", "being sent"], ["sent", "sent"], ["skipped", "skipped"],
  ["unknown", "in doubt"], ["unreachable", "not reached"], ["failed", "failed"]];

/** "3 planned, 2 sent"; what was due before `now` and was not sent is waiting. */
export function counts(messages, now) {
  const states = messages.map(one => one.state === "scheduled" && one.due < now ? "waiting" : one.state);
  const words = COUNTED.map(([state, word]) => [states.filter(one => one === state).length, word]);
  return words.filter(([number]) => number).map(([number, word]) => `${number} ${word}`).join(", ");
}

// What stands on the line.

function dotItem(one, told, at, state) {
  const words = `${one.title}, ${dayAndTime(one.due, told.timezone)}, ${state}`;
  const draw = dot => {
    dot.className = `dot ${one.state}`;
    dot.style.setProperty("--x", `${at}px`);
    setAttribute(dot, "aria-label", words);
    setAttribute(dot, "title", words);
    if (dot.dataset.state === one.state) return;
    dot.dataset.state = one.state;
    dot.replaceChildren(icon(`s-${one.state}`, "shape"));
  };
  return {key: one.id, mark: `${words} ${at}`, update: draw, make: () => {
    const dot = make("button", {type: "button", "data-id": one.id, "aria-haspopup": "dialog"});
    draw(dot);
    return dot;
  }};
}

function placed(className, at, ...children) {
  const node = make("div", {className}, ...children);
  node.style.setProperty("--x", `${at}px`);
  return node;
}

function nights(told, place) {
  const result = [];
  const days = Math.ceil((told.to - told.from) / DAY) + 1;
  for (let day = -1; day <= days; day++) {
    const start = place(localHour(told.from, day, told.nights.from, told.timezone));
    const end = place(localHour(told.from, day + 1, told.nights.to, told.timezone));
    if (end - start < NIGHT_SEEN) continue;
    const night = placed("night", start);
    night.style.setProperty("--wide", `${end - start}px`);
    result.push(night);
  }
  return result;
}

function marks(told, place) {
  const {session, visit, timezone} = told;
  const fixed = [session && {at: session.ended, label: "Session", about: session.text}, visit && {at: visit, label: "Visit", about: dayAndTime(visit, timezone)}];
  const start = session?.ended ?? told.from;
  return [
    ...ticks(fixed.filter(Boolean), start, told.to, place).map(({at, label, about}) => placed(about ? "tick fixed" : "tick", place(at),
      make("b", {title: about}, label), make("span", {}, shortDay(at, timezone)))),
    ...told.clock_changes.map(change => changeMark(change, told, place)),
  ];
}

function changeMark(change, told, place) {
  const words = `Clocks ${change.hours > 0 ? "forward" : "back"} ${count(Math.abs(change.hours), "hour")}`;
  return placed("change", place(change.at), make("span", {title: shortDay(change.at, told.timezone)}, words));
}
