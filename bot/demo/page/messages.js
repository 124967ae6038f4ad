// One message of a chat as an element.

import {button, icon, make, openMenu, setText, tell} from "./dom.js";
import {formatted, withoutCode} from "./formatting.js";
import {fileAddress} from "./server.js";
import {clockTime} from "./times.js";

const KINDS = {voice: "Voice message", video: "Video", sticker: "Sticker", location: "Location"};

/** `chat`: {app, person(), say, follow, press, reply, edit, jump, picture}: what a message can do. */
export function messageNode(message, chat) {
  const person = chat.person();
  const bubble = make("div", {className: "bubble"});
  if (message.reply_to) bubble.append(quoted(message.reply_to, chat, person));
  bubble.append(...file(message, chat));
  if (message.text) {
    bubble.append(make("div", {className: "text", lang: person.language}, ...formatted(withoutCode(message.text), message.entities, {
      language: person.language, timezone: person.timezone, follow: chat.follow, say: chat.say,
    })));
  }
  bubble.append(meta(message, person));
  const node = make("article", {className: `message ${message.from_bot ? "theirs" : "mine"}`, tabIndex: -1,
    "aria-label": message.from_bot ? chat.app.state.bot.name : person.name},
    make("div", {className: "bubble-row"}, bubble, moreButton(message, chat)));
  if (message.buttons.length) node.append(keys(message, chat, person));
  return node;
}

function meta(message, person) {
  const notes = [message.edited && "edited", message.protected && "protected", clockTime(message.date, person.timezone)];
  return make("div", {className: "meta"}, notes.filter(Boolean).join(" · "));
}

function quoted(reply, chat, person) {
  return button([make("span", {className: "unseen"}, "In reply to: "), make("span", {lang: person.language}, reply.text || "a message")],
    () => chat.jump(reply.id), {className: "quoted"});
}

function file(message, chat) {
  if (message.kind === "text") return [];
  if (!message.file) return [make("div", {className: "file"}, icon("i-file"), KINDS[message.kind] || message.kind)];
  const address = fileAddress(message.file);
  if (message.kind === "photo") {
    const image = make("img", {src: address, alt: message.text ? "Picture" : `Picture ${message.file.name}`});
    return [button([image], () => chat.picture(message, address), {className: "photo", "data-focus": "photo", "aria-label": "Open the picture"})];
  }
  return [make("a", {href: address, target: "_blank", rel: "noopener", className: "file", "data-focus": "file"},
    icon("i-file"), make("span", {}, message.file.name), make("small", {}, KINDS[message.kind] || "Open"))];
}

function moreButton(message, chat) {
  const more = button([icon("i-more")], () => {
    const items = [{icon: "i-reply", label: "Reply", do: () => chat.reply(message)}];
    if (!message.from_bot && message.kind === "text") items.push({icon: "i-edit", label: "Edit", do: () => chat.edit(message)});
    if (message.text && !message.protected) items.push({icon: "i-copy", label: "Copy the text", do: () => copy(message.text)});
    openMenu(more, items);
  }, {className: "more-button", tabIndex: -1, "data-focus": "more", "aria-label": "Reply and more", "aria-haspopup": "menu", "aria-expanded": "false"});
  return more;
}

// Buttons below a message.

function keys(message, chat, person) {
  return make("div", {className: "keys", lang: person.language}, ...message.buttons.map(row =>
    make("div", {className: "keys-row"}, ...row.map(one => key(message, one, chat)))));
}

function key(message, one, chat) {
  const kind = one.url ? "i-link" : one.copy_text ? "i-copy" : null;
  const node = button([make("span", {}, one.label), kind && icon(kind)].filter(Boolean), async () => {
    if (one.url) return chat.follow(one.url);
    if (one.copy_text) return copy(one.copy_text);
    node.classList.add("waiting");
    await chat.press(message, one.label);
    node.classList.remove("waiting");
  }, {className: `key ${one.style || ""}`, "data-focus": `key ${one.label}`, "data-label": one.label});
  return node;
}

async function copy(text) {
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  tell(copied ? `Copied: ${text.length > 60 ? `${text.slice(0, 60)}…` : text}` : text);
}

/** Lets the button the story is about to press be seen. Answers it where it was not marked before. */
export function highlightKey(node, label) {
  let marked = null;
  for (const one of node.querySelectorAll(".key")) {
    const about = one.dataset.label === label;
    if (about && !one.classList.contains("about-to")) marked = one;
    one.classList.toggle("about-to", about);
  }
  return marked;
}

export function dayNode(text) {
  const node = make("div", {className: "day"}, make("span"));
  setText(node.firstChild, text);
  return node;
}
