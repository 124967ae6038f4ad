// One open chat: its head, its messages, its composer.

import {avatar, button, count, find, icon, iconButton, Keyed, make, openDialog, openMenu, setAttribute, setHidden, setText, tell} from "./dom.js";
import {createComposer} from "./composer.js";
import {dayNode, highlightKey, messageNode} from "./messages.js";
import {askWho} from "./people.js";
import {act} from "./server.js";
import {city, clockTime, dateKey, longDay} from "./times.js";

const JOINED = 5 * 60_000;  // messages of one sender so close together stand closer

export function createChat(app, id) {
  const person = () => app.person(id);
  const head = chatHead(app, id);
  const list = make("div", {className: "messages"});
  const log = make("div", {className: "log", role: "log", tabIndex: 0}, list);
  const scroll = keepAtEnd(log, list);
  const nodes = new Keyed(list);
  let pressing = false;
  let toasts = null;
  let data = null;

  const chat = {
    app, id, person,
    say: text => act("say", {person: id, text}),
    follow: address => follow(app, address, id),
    press,
    reply: message => composer.replyTo(message),
    edit: message => composer.edit(message),
    jump,
    picture: (message, address) => showPicture(app, message, address, data.messages),
    toEnd: scroll.toEnd,
    lastOwn: () => data?.messages.findLast(message => !message.from_bot && message.kind === "text"),
  };
  const composer = createComposer(chat);
  const element = make("section", {className: "chat"}, head.element, make("div", {className: "log-frame"}, log, scroll.down), composer.element);
  element.addEventListener("focusin", () => app.focus(id));
  element.addEventListener("pointerdown", () => app.focus(id));

  async function press(message, label) {
    if (pressing) return;
    pressing = true;
    await act("press", {person: id, message: message.id, label});
    pressing = false;
  }

  function jump(messageId) {
    const node = nodes.get(`m${messageId}`);
    if (!node) return tell("That message is further up than this page shows.");
    node.scrollIntoView({block: "center"});
    node.focus({preventScroll: true});
    node.classList.add("found");
    setTimeout(() => node.classList.remove("found"), 1800);
  }

  function update(told) {
    const first = !data;
    const lastSeen = data?.messages.at(-1)?.id ?? 0;
    data = told;
    const here = person();
    const bot = app.state.bot.name;
    setAttribute(element, "aria-label", `${here.name}’s chat with ${bot}`);
    setAttribute(log, "aria-label", `Messages of ${here.name}`);
    head.update(told);
    nodes.show(items(told, here, chat, first ? Infinity : lastSeen));
    scroll.arrived(told.messages.filter(message => message.from_bot && message.id > lastSeen).length, first);
    composer.update(told, here);
    if (toasts !== null && told.toasts > toasts && told.toast) tell(told.toast);
    toasts = told.toasts;
  }

  /** What the story does in this chat. */
  function showStory(story) {
    composer.showTyping(story?.typing?.person === id ? story.typing.text : null);
    const press = story?.press && (story.press.person ?? id) === id ? story.press : null;
    for (const message of data?.messages ?? []) {
      if (!message.buttons.length) continue;
      const node = nodes.get(`m${message.id}`);
      if (node) highlightKey(node, press?.message === message.id ? press.label : null);
    }
  }

  return {id, element, update, showStory, tick: head.tick, focus: composer.focus, toEnd: scroll.toEnd, remove: () => { scroll.stop(); element.remove(); }};
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
  const close = iconButton("i-close", "Close this chat", () => app.close(id));
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

/** Keeps the newest message in view while it is, whatever grows or shrinks; else offers the way down. */
function keepAtEnd(log, list) {
  let atEnd = true;
  let missed = 0;
  const badge = make("span");
  const down = button([icon("i-down"), badge], toEnd, {className: "down", "aria-label": "To the newest message", hidden: true});
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    if (atEnd) missed = 0;
    show();
  }, {passive: true});
  const watcher = new ResizeObserver(() => { if (atEnd) log.scrollTop = log.scrollHeight; });
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
  const url = botLink(app, address);
  if (!url) {
    const outside = URL.parse?.(address) ?? null;
    if (outside && /^https?:$/.test(outside.protocol)) window.open(outside, "_blank", "noopener,noreferrer");
    return;
  }
  openAs(app, url, "Whose phone opens this link?", id);
}

function botLink(app, address) {
  try {
    const url = new URL(/^[a-z]+:/i.test(address) ? address : `https://${address}`);
    return url.hostname === "t.me" && url.pathname === `/${app.state.bot.username}` ? url.href : null;
  } catch {
    return null;
  }
}

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
    const found = one?.from_bot && linksOf(one).map(address => botLink(app, address)).find(Boolean);
    if (found) return found;
  }
  return null;
}

function linksOf(message) {
  const inText = message.text.match(/(?:https?:\/\/)?t\.me\/\S+/g) ?? [];
  const urls = message.entities.map(entity => entity.url).filter(Boolean);
  return [...inText, ...urls, ...message.buttons.flat().map(one => one.url ?? one.copy_text).filter(Boolean)];
}
