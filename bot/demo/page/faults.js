// Breaking things: what can be broken, what is broken, and what became of it.

import {errorsOf} from "./content.js";
import {button, count, find, Keyed, make, setAttribute, setText} from "./dom.js";
import {act} from "./server.js";
import {counts} from "./timeline.js";

const WAITS = "What is written meanwhile waits at Telegram. After an hour the bot no longer answers it, and says so.";

const NETWORK = {
  down: {
    title: "Telegram is down",
    about: `No call gets through. ${WAITS}`,
    watch: "What falls due now waits. Move the clock, then lift it and watch the chat and the line.",
  },
  slow: {
    title: "Telegram is slow",
    about: "Every call takes seconds. Messages come later, in order, none left out.",
    watch: "Write something and see it answered, only later.",
  },
  too_many: {
    title: "Telegram says 429: too many requests",
    about: "Telegram refuses and says how long to wait. The bot waits that long, then sends.",
    watch: "Messages come a little later. None is left out, none comes twice.",
  },
};

/** A fault: {key, offer?, title, about, watch, on, set(on), lift, begin}; `offer` is its title while it is not on. */
function faultsOf(app) {
  const network = Object.entries(NETWORK).map(([kind, words]) => ({
    key: kind, ...words, on: app.state.faults[kind], begin: "Break it", lift: "Lift it",
    set: on => act("fault", {kind, on}),
  }));
  const stopped = app.state.bot.running !== "running";
  const killed = {
    key: "killed", on: stopped, offer: "Kill the bot", title: whyStopped(app) ? "The bot is not running" : "The bot is dead", begin: "Kill it", lift: "Start it",
    about: `A real kill -9 of its process. ${WAITS}`,
    watch: whyStopped(app) ?? "Write to it, move the clock, then start it. What is still right is sent; what is too late is skipped, with the reason.",
    list: stopped ? app.state.bot.problems.map(what => ({what})) : [],
    set: on => act("bot", {do: on ? "kill" : "start"}),
  };
  return [...network, ...blockedFaults(app), killed];
}

/** What keeps it from starting; null if it was only killed. */
function whyStopped({state: {bot, content}}) {
  if (errorsOf(content).length) return "It cannot start while your content has problems: mend them first.";
  return bot.problems.length ? "It would not start:" : null;
}

function blockedFaults(app) {
  const chosen = app.person(app.linePerson()) ?? app.person(app.active);
  const blocked = app.state.people.filter(one => one.blocked && (one.id === chosen.id || app.shown.includes(one.id)));
  const people = chosen.role === "patient" && !blocked.includes(chosen) ? [...blocked, chosen] : blocked;
  return people.map(person => ({
    key: `blocked ${person.id}`, on: person.blocked, offer: `${person.name} blocks the bot`, title: `${person.name} has blocked the bot`, begin: "Block it", lift: "Unblock",
    about: `Telegram refuses every message to ${person.name}. The clinic finds out by /worklist.`,
    watch: "Move the clock: the line says what was not reached. As the clinic, send /worklist.",
    set: on => act(on ? "block" : "unblock", {person: person.id}),
  }));
}

const SETTLED = 20_000;  // by then the bot has seen to all that fell due; what it has not, it never will

const BLINK = 700;          // a bot that begins anew is away for so long
const FIRST_START = 15_000; // and so long until it is first started

/** Whether the bot is away for longer than it takes to begin anew. `later()` is called when that is to be asked again. */
function createAbsence(app, later) {
  let since = null;
  let wasThere = false;   // it was seen on this stage

  function update() {
    const {running} = app.state.bot;
    wasThere ||= running !== "stopped";
    if (running !== "stopped") since = null;
    else if (since === null) {
      since = performance.now();
      setTimeout(later, (wasThere ? BLINK : FIRST_START) + 50);
    }
  }

  function isLong() {
    if (since === null) return false;
    return Boolean(whyStopped(app)) || performance.now() - since >= (wasThere ? BLINK : FIRST_START);
  }

  return {update, isLong, forget: (there = false) => { since = null; wasThere = there; }};
}

export function createFaults(app) {
  const list = new Keyed(find("#fault-list"));
  const began = new Map();   // fault → the demo's time at which it began
  let results = [];          // what was lifted: {key, title, from, to, person}
  const absence = createAbsence(app, () => { update(); app.showNotices(); });

  function update() {
    absence.update();
    const faults = faultsOf(app);
    list.show(faults.map(faultItem));
    for (const fault of faults) notice(fault);
    for (const key of began.keys()) if (!faults.some(fault => fault.key === key)) began.delete(key);
  }

  function notice(fault) {
    const isShort = fault.key === "killed" && !absence.isLong();
    if (fault.on && !isShort && !began.has(fault.key)) began.set(fault.key, app.now());
    if (fault.on || !began.has(fault.key)) return;
    const person = app.linePerson();
    if (person) {
      results = [{key: fault.key, from: began.get(fault.key), to: app.now(), person, lifted: performance.now()}];
      setTimeout(app.showNotices, SETTLED);
    }
    began.delete(fault.key);
  }

  /** What is to be said above the chats. */
  function notices() {
    const on = faultsOf(app).filter(fault => fault.on).map(faultNotice);
    return [...on, ...results.map(resultNotice)].filter(Boolean);
  }

  function faultNotice(fault) {
    if (fault.key === "killed" && !absence.isLong()) {
      return app.state.bot.running === "starting" ? {key: "starting", kind: "plain", title: "The bot is starting", text: "This takes a few seconds."} : null;
    }
    return {key: fault.key, kind: "fault", title: fault.title, text: fault.watch, list: fault.list?.length ? fault.list : null,
      button: fault.lift, do: () => fault.set(false)};
  }

  function resultNotice(result) {
    const line = app.line();
    if (line?.person !== result.person || !app.person(line.person)) return null;
    const due = line.messages.filter(one => one.due >= result.from && one.due <= result.to);
    return {key: `after ${result.key}`, kind: "good", title: "All is well again", text: outcome(due, result, app),
      close: () => { results = []; app.showNotices(); }};
  }

  /** `there`: whether the bot is known to have been started. */
  function forget(there) {
    began.clear();
    results = [];
    absence.forget(there);
  }

  return {update, notices, forget};
}

/** "Meanwhile 3 messages came due for Ana: 2 sent, 1 skipped; 0 lost." */
function outcome(due, {person, lifted}, app) {
  const {name} = app.person(person);
  if (!due.length) return `Nothing came due for ${name} meanwhile; 0 lost.`;
  const settled = performance.now() - lifted >= SETTLED;
  const forgotten = one => one.state === "scheduled" && one.expires < app.now();
  const lost = settled ? due.filter(forgotten).length : 0;
  return `Meanwhile ${count(due.length, "message")} came due for ${name}: ${counts(due, app.now())}; ${lost} lost.`;
}

function faultItem(fault) {
  const draw = node => {
    const {title, about, press} = node.parts;
    setText(title, fault.on ? fault.title : fault.offer ?? fault.title);
    setText(about, fault.on ? fault.watch : fault.about);
    setText(press, fault.on ? fault.lift : fault.begin);
    setAttribute(press, "class", fault.on ? "strong" : "danger");
    node.classList.toggle("on", fault.on);
    press.onclick = () => {
      fault.set(!fault.on);
      if (!fault.on) find("#faults").close();
    };
  };
  return {key: fault.key, mark: JSON.stringify([fault.on, fault.title, fault.about]), update: draw, make: () => {
    const parts = {title: make("strong"), about: make("p"), press: button("")};
    const node = make("li", {}, make("div", {}, parts.title, parts.about), parts.press);
    node.parts = parts;
    draw(node);
    return node;
  }};
}
