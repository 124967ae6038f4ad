// One open chat: its head, its messages, its composer.

import {avatar, button, count, find, icon, iconButton, Keyed, make, moveFocus, openDialog, openMenu, setAttribute, setHidden, setText, tell} from "./dom.js";
import {Composer} from "./composer.js";
import {dayNode, highlightKey, messageNode} from "./messages.js";
import {askWho} from "./people.js";
import {act} from "./server.js";
import {city, clockTime, dateKey, longDay} from "./times.js";

const ANSWERED = 5 * 60_000;  // what comes so soon after a message is the answer to it
const JOINED = 5 * 60_000;  // messages of one sender so close together stand closer

export class Chat {
  #app;
  #head;
  #nodes;
  #scroll;
  #composer;
  #data = null;       // what is shown of it
  #toasts = null;     // how many answers to pressed buttons were shown
  #pressing = false;
  #pressed = 0;       // the newest message when the story pressed a button: what follows answers that
  #more;              // moves the one tab stop among the messages' menus

  constructor(app, id) {
    this.#app = app;
    this.id = id;
    this.#head = chatHead(app, id);
    const list = make("div", {className: "messages"});
    this.log = make("div", {className: "log", role: "log", tabIndex: 0}, list);
    this.#nodes = new Keyed(list);
    this.#scroll = keepAtEnd(this.log, list, () => this.#exchange());
    this.#more = oneStop(list, ".more-button");
    this.#composer = new Composer(this);
    const frame = make("div", {className: "log-frame"}, this.log, this.#scroll.down);
    this.element = make("section", {className: "chat"}, this.#head.element, frame, this.#composer.element);
    for (const event of ["focusin", "pointerdown"]) this.element.addEventListener(event, () => app.focus(id));
  }

  get app() {
    return this.#app;
  }

  person() {
    return this.#app.person(this.id);
  }

  update(told) {
    const first = !this.#data;
    const lastSeen = this.#data?.messages.at(-1)?.id ?? 0;
    const person = this.person();
    this.#data = told;
    setAttribute(this.element, "aria-label", `${person.name}’s chat with ${this.#app.state.bot.name}`);
    setAttribute(this.log, "aria-label", `Messages of ${person.name}`);
    this.#head.update(told);
    this.#nodes.show(items(told, person, this, first ? Infinity : lastSeen));
    this.#more();
    this.#scroll.arrived(told.messages.filter(message => message.from_bot && message.id > lastSeen).length, first);
    this.#composer.update(told, person);
    if (this.#toasts !== null && told.toasts > this.#toasts && told.toast) tell(told.toast);
    this.#toasts = told.toasts;
  }

  /** What the story does in this chat: it types, and is about to press a button. */
  showStory(story) {
    this.#composer.showTyping(story?.typing?.person === this.id ? story.typing.text : null);
    const press = story?.press && (story.press.person ?? this.id) === this.id ? story.press : null;
    for (const message of this.#data?.messages ?? []) {
      if (!message.buttons.length) continue;
      const pressed = highlightKey(this.#nodes.get(`m${message.id}`), press?.message === message.id ? press.label : null);
      if (!pressed) continue;
      this.#pressed = this.#data.messages.at(-1).id;
      pressed.scrollIntoView({block: "nearest"});
    }
  }

  /** In a story: what the person wrote last and the newest answer to it, if nothing else has happened since. */
  #exchange() {
    const messages = this.#data?.messages ?? [];
    const own = messages.findLast(message => !message.from_bot);
    const newest = messages.at(-1);
    if (!this.#app.state.story || !own || own === newest || own.id <= this.#pressed || newest.date - own.date > ANSWERED) return null;
    return [own, newest].map(message => this.#nodes.get(`m${message.id}`));
  }

  tick() {
    this.#head.tick();
  }

  focus() {
    this.#composer.focus();
  }

  toEnd() {
    this.#scroll.toEnd();
  }

  remove() {
    this.#scroll.stop();
    this.element.remove();
  }

  // What can be done with a message.

  say = text => act("say", {person: this.id, text});
  follow = address => follow(this.#app, address, this.id);
  reply = message => this.#composer.replyTo(message);
  edit = message => this.#composer.edit(message);
  picture = (message, address) => showPicture(this.#app, message, address, this.#data.messages);
  lastOwn = () => this.#data?.messages.findLast(message => !message.from_bot && message.kind === "text");

  async press(message, label) {
    if (this.#pressing) return;
    this.#pressing = true;
    await act("press", {person: this.id, message: message.id, label});
    this.#pressing = false;
  }

  jump(id) {
    const node = this.#nodes.get(`m${id}`);
    if (!node) return tell("That message is further up than this page shows.");
    node.scrollIntoView({block: "center"});
    node.focus({preventScroll: true});
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), 1800);
  }
}

/** What stands in the list: how many are not shown, days, messages. */
function items(told, person, chat, lastSeen) {
  const result = [];
  if (told.earlier) {
    result.push({key: "earlier", mark: told.earlier, make: () => dayNode(count(told.earlier, "earlier message"))});
  }
  if (!told.messages.length) {
    result.push({key: "empty", mark: `${person.name} ${person.started}`, make: () => emptyNode(chat.app, person)});
  }
  let before = null;
  for (const message of told.messages) {
    const day = dateKey(message.date, person.timezone);
    if (!before || day !== dateKey(before.date, person.timezone)) {
      result.push({key: `day ${day}`, mark: day, make: () => dayNode(longDay(message.date, person.timezone))});
      before = null;
    }
    const joined = before !== null && before.from_bot === message.from_bot && message.date - before.date < JOINED && !before.buttons.length;
    result.push(messageItem(message, joined, chat, message.id > lastSeen));
    before = message;
  }
  return result;
}

function messageItem(message, joined, chat, fresh) {
  return {key: `m${message.id}`, mark: `${joined}${markOf(message)}`, make: () => {
    const node = messageNode(message, chat);
    node.classList.toggle("joined", joined);
    node.classList.toggle("fresh", fresh);
    return node;
  }};
}

const marks = new WeakMap();  // a message's JSON, made once for each object

function markOf(message) {
  if (!marks.has(message)) marks.set(message, JSON.stringify(message));
  return marks.get(message);
}

function emptyNode(app, person) {
  const hint = person.role === "patient"
    ? `${person.name} has not opened the bot yet. The clinic hands over a link or a picture to scan; open it as ${person.name}, or press Start.`
    : `Press Start, then record a session: /newsession ${nextPatient(app)}, now`;
  return make("p", {className: "empty"}, hint);
}

const nextPatient = app => app.state.people.find(one => one.role === "patient" && !one.started)?.name ?? "Ana Lopez";

function chatHead(app, id) {
  const first = app.person(id);
  const name = make("h2");
  const sub = make("p");
  const local = make("time");
  const dots = make("span", {className: "dots", "aria-hidden": "true"}, make("i"), make("i"), make("i"));
  const close = iconButton("i-close", "Close this chat", () => app.close(id), {className: "round close-chat"});
  const more = iconButton("i-more", "More", () => {
    const {blocked} = app.person(id);
    openMenu(more, [{icon: "i-warn", label: blocked ? "Unblock the bot" : "Block the bot", do: () => act(blocked ? "unblock" : "block", {person: id})}]);
  }, {"aria-haspopup": "menu", "aria-expanded": "false"});
  const back = iconButton("i-back", "Back to the people", () => app.back(), {className: "round back"});
  const element = make("header", {className: "chat-head"}, back, avatar(first.name, id),
    make("div", {className: "chat-title"}, name, make("div", {className: "chat-sub"}, dots, sub)), local, more, close);

  function update(told) {
    const person = app.person(id);
    setText(name, `${person.name}’s phone`);
    const bot = app.state.bot.name;
    setText(sub, person.blocked ? `has blocked ${bot}` : told.typing ? `${bot} is typing` : `${person.role} · chat with ${bot}`);
    setHidden(dots, !told.typing || person.blocked);
    setHidden(close, app.shown.length < 2);
    tick();
  }

  function tick() {
    const {timezone} = app.person(id);
    setText(local, `${clockTime(app.now(), timezone)} ${city(timezone)}`);
  }

  return {element, update, tick};
}

/** Makes many buttons one tab stop, the last of them; arrow keys go to the others. Answers what is to be called after changes. */
function oneStop(list, selector) {
  let stop = null;
  const move = button => {
    if (button === stop) return;
    if (stop) stop.tabIndex = -1;
    stop = button;
    if (stop) stop.tabIndex = 0;
  };
  const all = () => [...list.querySelectorAll(selector)];
  list.addEventListener("focusin", event => { if (event.target.matches(selector)) move(event.target); });
  list.addEventListener("keydown", event => {
    if (event.target.matches(selector)) moveFocus(event, all(), ["ArrowUp", "ArrowDown"]);
  });
  return () => {
    if (!stop || stop !== document.activeElement) move(all().at(-1) ?? null);
  };
}

const ABOVE = 8;     // pixels above the message that stands at the top
const SEEN = 0.6;    // of the height: below that an answer is not seen to begin

/** How far down the newest is in view, and what it answers too; where both do not fit, that from its beginning. */
function placeOf(log, exchange) {
  const end = log.scrollHeight - log.clientHeight;
  if (!exchange) return end;
  const [own, newest] = exchange.map(node => node.getBoundingClientRect().top - log.getBoundingClientRect().top + log.scrollTop);
  return newest - own > SEEN * log.clientHeight ? end : Math.min(end, own - ABOVE);
}

/**
 * Keeps the newest message in view while it is, whatever grows or shrinks; else offers the way down.
 * `exchange()`: the elements of a message and of its newest answer, if they are to be seen together.
 */
function keepAtEnd(log, list, exchange) {
  let atEnd = true;
  let missed = 0;
  const badge = make("span");
  const down = button([icon("i-down"), badge], toEnd, {className: "down", "aria-label": "To the newest message", hidden: true});
  let before = {top: 0, height: 0};
  log.addEventListener("scroll", () => {
    const now = {top: log.scrollTop, height: log.scrollHeight};
    // Away from the end by hand, or only because a message came or changed? Then nothing was scrolled up.
    if (now.height - now.top - log.clientHeight < 80) atEnd = true;
    else if (now.top < before.top && now.height === before.height) atEnd = false;
    before = now;
    if (atEnd) missed = 0;
    show();
  }, {passive: true});
  const watcher = new ResizeObserver(() => { if (atEnd) log.scrollTop = placeOf(log, exchange()); });
  watcher.observe(log);
  watcher.observe(list);

  function toEnd() {
    atEnd = true;
    missed = 0;
    log.scrollTop = log.scrollHeight;
    show();
  }

  function show() {
    setHidden(down, atEnd);
    log.classList.toggle("reading", !atEnd);
    setText(badge, missed ? String(missed) : "");
  }

  function arrived(number, first) {
    if (first) return toEnd();
    if (atEnd || !number) return;
    missed += number;
    show();
  }

  return {down, toEnd, arrived, stop: () => watcher.disconnect()};
}

// Links: those to the bot are opened on one of the phones, others in a new window.

function follow(app, address, id) {
  const url = parsed(address);
  if (!url) return;
  if (isBot(app, url)) openAs(app, url.href, "Whose phone opens this link?", id);
  else if (/^https?:$/.test(url.protocol)) window.open(url, "_blank", "noopener,noreferrer");
}

function parsed(address) {
  try {
    return new URL(/^[a-z]+:/i.test(address) ? address : `https://${address}`);
  } catch {
    return null;
  }
}

const isBot = (app, url) => url?.hostname === "t.me" && url.pathname === `/${app.state.bot.username}`;

function openAs(app, link, title, from) {
  askWho(app, {title, shown: link, chosen: async person => {
    if (!await act("open", {person, link})) return;
    if (app.wide && person !== from) app.show([from, person].filter(Boolean), person);
    else app.choose(person);
  }});
}

function showPicture(app, message, address, messages) {
  const image = find("#picture-image");
  image.src = address;
  image.alt = message.text || "Picture";
  const scan = find("#picture-scan");
  const link = nearbyLink(app, message, messages);
  setHidden(scan, !link);
  scan.onclick = () => {
    find("#picture").close();
    openAs(app, link, "Whose phone scans it?", app.active);
  };
  openDialog(find("#picture"));
}

// A picture to scan stands with or below the link it holds.
function nearbyLink(app, message, messages) {
  const at = messages.indexOf(message);
  for (const one of [message, messages[at - 1], messages[at + 1]]) {
    const found = one?.from_bot && linksOf(one).map(parsed).find(url => isBot(app, url));
    if (found) return found.href;
  }
  return null;
}

function linksOf(message) {
  const inText = message.text.match(/(?:https?:\/\/)?t\.me\/\S+/g) ?? [];
  const urls = message.entities.map(entity => entity.url).filter(Boolean);
  return [...inText, ...urls, ...message.buttons.flat().map(one => one.url ?? one.copy_text).filter(Boolean)];
}
