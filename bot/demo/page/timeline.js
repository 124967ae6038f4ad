// The coming weeks of one patient as a line, with every planned message as a dot.

import {count, find, icon, Keyed, make, moveFocus, setAttribute, setHidden, setText} from "./dom.js";
import {createPlanned, STATES} from "./planned.js";
import {leastWidth, makeScale, ticks} from "./scale.js";
import {timeline as ask} from "./server.js";
import {city, dayAndTime, localHour, nearTime, shortDay, until} from "./times.js";

const PAUSE = 500;        // asked at most so often
const SEARCH = 5_000;     // and whose line is the newest, so often
const CANDIDATES = 5;
const PAD = 40;
const NIGHT_SEEN = 5;     // pixels from which a night is drawn
const touch = matchMedia("(pointer: coarse)");

export function createTimeline(app) {
  const track = find("#track");
  const layers = {
    scenery: make("div", {className: "scenery"}),
    dots: make("div", {className: "dots-row", role: "group", "aria-label": "Planned messages"}),
    now: make("div", {className: "now-line"}, make("span", {}, "Now")),
  };
  const past = make("div", {className: "axis-past"});
  track.append(make("div", {className: "axis"}), past, layers.scenery, layers.now, layers.dots);
  const dots = new Keyed(layers.dots);
  const detail = createPlanned(app, () => current);
  let current = null;   // the line that is shown
  let place = null;     // its scale
  let drawn = "";       // what its background was drawn for
  let width = 0;

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
    showWords(app, told);
    detail.update();
    app.showNotices();
    if (!planned || !width) return;
    const gap = touch.matches ? 46 : 32;
    const full = Math.max(width, leastWidth(told.messages.length, gap, PAD));
    const knots = told.messages.map(one => one.due);
    const start = told.session?.ended ?? Math.min(...knots);
    place = makeScale({start, from: Math.min(start, ...knots), to: told.to, knots, width: full, gap, pad: PAD});
    showBack(told, full);
    dots.show(told.messages.map(one => dotItem(one, told, place(one.due))));
    tick(other);
  }

  function showBack(told, full) {
    const mark = JSON.stringify([told.person, told.from, told.to, told.session, told.visit, told.clock_changes, full, told.messages.map(one => one.due)]);
    if (mark === drawn) return;
    drawn = mark;
    track.style.setProperty("width", `${full}px`);
    layers.scenery.replaceChildren(...nights(told, place), ...marks(told, place));
  }

  /** The line that moves as the clock runs. */
  function tick(follow = false) {
    if (!place || !current?.messages.length) return;
    const at = Math.round(place(app.now()));
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
  setText(find("#line-counts"), messages.length ? counts(messages) : "");
  setText(find("#line-next"), told ? nextWords(app, told, person) : "");
  setText(find("#line-empty"), emptyWords(app, person));
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

const COUNTED = [["scheduled", "planned"], ["sending", "being sent"], ["sent", "sent"], ["skipped", "skipped"],
  ["unknown", "in doubt"], ["unreachable", "not reached"], ["failed", "failed"]];

export function counts(messages) {
  const words = COUNTED.map(([state, word]) => [messages.filter(one => one.state === state).length, word]);
  return words.filter(([number]) => number).map(([number, word]) => `${number} ${word}`).join(", ");
}

// What stands on the line.

function dotItem(one, told, at) {
  const words = `${one.title}, ${dayAndTime(one.due, told.timezone)}, ${STATES[one.state] ?? one.state}`;
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
  const days = Math.ceil((told.to - told.from) / 86_400_000) + 1;
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
