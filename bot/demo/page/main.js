// The loop that hears what is new, and the layout: which chats are on the screen.

import {Chat} from "./chat.js";
import {createClock} from "./clock.js";
import {createContent} from "./content.js";
import {find, openDialog, prepareDialogs, setAttribute, tell} from "./dom.js";
import {createFaults} from "./faults.js";
import {Memory} from "./memory.js";
import {createNotices} from "./notices.js";
import {createPeople} from "./people.js";
import {ask, Listener} from "./server.js";
import {createStory} from "./story.js";
import {createTheme} from "./theme.js";
import {createTimeline} from "./timeline.js";

const TICK = 250;
const RISES = 1000;   // the server goes away and comes back when all begins afresh
const AWAY = 20_000;  // and it is gone for so long at most
const wide = matchMedia("(min-width: 1000px)");   // room for two chats
const phone = matchMedia("(max-width: 720px)");   // room for the people or a chat

const memory = new Memory();
const chats = new Map();   // the open ones, by person
const seen = new Map();    // how many messages of each person were seen
let clock = {now: 0, heard: 0, rate: 1};
let lost = false;
let expected = null;       // a person who was just added
let away = 0;              // until then the server may be gone, as all begins afresh
let isAway = false;        // it is known to be
const byId = new Map();

/** What the parts of the page know of it, and can ask of it. */
const app = {
  state: null,
  shown: [],
  active: null,
  get wide() { return wide.matches; },
  now: () => clock.now + (performance.now() - clock.heard) * clock.rate,
  person: id => byId.get(id),
  unread: person => Math.max(0, person.received - (seen.get(person.id) ?? 0)),
  line: () => parts.timeline.current(),
  linePerson: () => parts.timeline.current()?.person ?? null,
  choose, beside, close, back, show, focus,
  chooseWhenThere: id => { expected = id; chooseExpected(); },
  focusChat: () => chats.get(app.active)?.focus(),
  askAfresh,
  takeOver: () => parts.story.takeOver(),
  showNotices,
};

const listener = new Listener({
  chats: () => app.shown.map(id => `${id}:${memory.held(id)}`).join(),
  heard,
  lost: () => { lost = true; showNotices(); },
});
const showNoticeList = createNotices();
const parts = {
  people: createPeople(app),
  clock: createClock(app),
  timeline: createTimeline(app),
  faults: createFaults(app),
  story: createStory(app),
  content: createContent(app),
};

// News.

function heard(told) {
  const before = app.state;
  app.state = told;
  lost = false;
  // While it plays, time comes in steps and lingers: a clock that guesses ahead would have to jump back.
  clock = {now: told.now, heard: performance.now(), rate: told.rate > 1 ? 0 : 1};
  byId.clear();
  for (const person of told.people) byId.set(person.id, person);
  if (before && told.stage !== before.stage) forget();
  if (!before) begin();
  keepShown();
  for (const [id, chat] of Object.entries(told.chats)) memory.take(Number(id), chat);
  render();
  chooseExpected();
  if (!before) parts.story.welcome();
}

function begin() {
  parts.faults.forget(!app.state.content.folder);
  seeAll();
}

function seeAll() {
  for (const person of app.state.people) seen.set(person.id, person.received);
}

/** All was begun afresh: nothing held is of use. */
function forget() {
  away = 0;
  memory.clear();
  parts.faults.forget();
  parts.story.forget();
  for (const chat of chats.values()) chat.remove();
  chats.clear();
  seeAll();
  app.shown = [];
  keepShown();
}

function keepShown() {
  const there = app.shown.filter(id => byId.has(id));
  if (there.length === app.shown.length && there.length) return;
  app.shown = there.length ? there : [app.state.people[0].id];
  if (!app.shown.includes(app.active)) app.active = app.shown[0];
  placeChats();
  listener.again();
}

function render() {
  const onScreen = id => app.shown.includes(id) && !document.hidden && (!phone.matches || document.body.dataset.view === "chat") && (wide.matches || id === app.active);
  for (const id of app.shown) if (onScreen(id)) seen.set(id, byId.get(id).received);
  parts.people.update();
  const story = parts.story.playing();
  for (const [id, chat] of chats) {
    const held = memory.get(id);
    if (held) chat.update(held);
    chat.showStory(story);
  }
  parts.clock.update();
  parts.content.update();
  parts.faults.update();
  parts.story.update();
  parts.timeline.refresh();
  showNotices();
}

const AFRESH = {key: "afresh", kind: "plain", title: "Beginning afresh …", text: "This takes a few seconds."};

function showNotices() {
  if ((isAway || lost) && performance.now() < away) return showNoticeList([AFRESH]);
  if (lost) return showNoticeList([{key: "lost", kind: "fault", title: "The demo is not running", text: "Start it again with make demo; this page goes on by itself."}]);
  if (app.state) showNoticeList([...parts.content.notices(), ...parts.faults.notices()]);
}

function chooseExpected() {
  if (!byId.has(expected)) return;
  const id = expected;
  expected = null;
  choose(id);
}

// Which chats are on the screen.

/** Shows these chats (two at most), without moving the focus. */
function show(ids, active = ids[0]) {
  const wanted = ids.filter(id => byId.has(id)).slice(0, 2);
  if (!wanted.length) return;
  const others = wanted.length !== app.shown.length || !wanted.every(id => app.shown.includes(id));
  const there = others ? wanted : app.shown;  // those that are there keep their places
  app.active = there.includes(active) ? active : there[0];
  app.shown = there;
  document.body.dataset.view = "chat";
  placeChats();
  if (others) listener.again();
  render();
}

/** The visitor chooses a person: in place of the chat that is in use. */
function choose(id) {
  parts.story.takeOver();
  const others = wide.matches ? app.shown.map(one => one === app.active ? id : one) : [id];
  show(app.shown.includes(id) && wide.matches ? app.shown : others, id);
  if (phone.matches) find(".chat.active .log")?.focus();
  else if (!matchMedia("(pointer: coarse)").matches) chats.get(id)?.focus();
}

function beside(id) {
  parts.story.takeOver();
  show([app.active, id], id);
  chats.get(id)?.focus();
}

function close(id) {
  parts.story.takeOver();
  show(app.shown.filter(one => one !== id));
  chats.get(app.active)?.focus();
}

function back() {
  document.body.dataset.view = "people";
  render();
  find("#people [aria-current]")?.focus();
}

/** The chat that is in use, whose clock and line are shown. */
function focus(id) {
  if (app.active === id) return;
  app.active = id;
  markActive();
  render();
}

function placeChats() {
  const place = find("#chats");
  for (const [id, chat] of chats) {
    if (app.shown.includes(id)) continue;
    chat.remove();
    chats.delete(id);
  }
  app.shown.forEach((id, n) => {
    if (!chats.has(id)) chats.set(id, new Chat(app, id));
    const {element} = chats.get(id);
    if (place.children[n] !== element) place.insertBefore(element, place.children[n] ?? null);
  });
  place.dataset.open = app.shown.length;
  markActive();
}

function markActive() {
  for (const [id, chat] of chats) chat.element.classList.toggle("active", id === app.active);
}

// The rest of the page.

function prepareDock() {
  const dock = find("#dock");
  const grip = find("#grip");
  const open = on => {
    dock.classList.toggle("open", on);
    setAttribute(grip, "aria-expanded", String(on));
  };
  grip.addEventListener("click", () => open(!dock.classList.contains("open")));
  dock.addEventListener("keydown", event => {
    if (event.key !== "Escape" || !phone.matches) return;
    open(false);
    grip.focus();
  });
  document.addEventListener("pointerdown", event => {
    if (phone.matches && !event.target.closest("#dock, dialog, .menu")) open(false);
  });
  phone.addEventListener("change", () => open(!phone.matches));
  open(!phone.matches);
}

const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));

/** Asks for what begins everything afresh (`sure`), or may do so. Answers what the server said. */
async function askAfresh(name, body, sure) {
  away = performance.now() + AWAY;
  isAway = sure;
  showNotices();
  const asked = ask(name, body);
  if (sure) listener.hold(asked.then(told => told.ok && pause(RISES)));
  const told = await asked;
  if (told.ok) return told;
  away = 0;
  showNotices();
  return told;
}

function prepareReset() {
  find("[data-dialog=reset]").addEventListener("click", () => openDialog(find("#reset")));
  find("[data-dialog=faults]").addEventListener("click", () => openDialog(find("#faults")));
  find("#reset-do").addEventListener("click", async () => {
    find("#reset").close();
    const told = await askAfresh("reset", {}, true);
    if (!told.ok) tell(told.error);
  });
}

function prepareSkip() {
  find("#skip").addEventListener("click", event => {
    event.preventDefault();
    if (!app.state) return;
    show(app.shown, app.active);
    app.focusChat();
  });
}

function tick() {
  if (!app.state || document.hidden) return;
  parts.clock.tick();
  parts.people.tick();
  parts.timeline.tick();
  for (const chat of chats.values()) chat.tick();
}

createTheme();
prepareDialogs();
prepareDock();
prepareReset();
prepareSkip();
wide.addEventListener("change", () => { if (app.state) render(); });
document.addEventListener("visibilitychange", () => { if (app.state) render(); });
setInterval(tick, TICK);
listener.run();
