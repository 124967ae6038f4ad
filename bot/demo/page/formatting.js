// Telegram's formatting: entities are ranges of UTF-16 units, as JavaScript's strings are.

import {button, make, setAttribute} from "./dom.js";
import {inZone} from "./times.js";

const TAGS = {bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre"};
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);  // they end their line themselves

/** Nodes for a text. `reader`: {language, timezone, follow(address), say(text)}; without the last two nothing can be pressed. */
export function formatted(text, entities, reader, from = 0, to = text.length) {
  const nodes = [];
  let at = from;
  for (let n = 0; n < entities.length; n++) {
    const one = entities[n];
    if (one.offset < at || one.offset >= to) continue;
    const end = Math.min(one.offset + one.length, to);
    const inner = entities.slice(n + 1).filter(other => other.offset < end);
    if (one.offset > at) nodes.push(text.slice(at, one.offset));
    nodes.push(entityNode(one, text.slice(one.offset, end), formatted(text, inner, reader, one.offset, end), reader));
    at = BLOCKS.has(one.type) && text[end] === "\n" ? end + 1 : end;
  }
  if (at < to) nodes.push(text.slice(at, to));
  return nodes;
}

function entityNode(entity, text, inner, reader) {
  switch (entity.type) {
    case "text_link": return link(entity.url, inner, reader);
    case "url": return link(text, inner, reader);
    case "bot_command": return reader.say ? button(inner, () => reader.say(text), {className: "link"}) : make("span", {}, ...inner);
    case "date_time": return make("span", {title: text}, entity.date_time_format ? dateTime(entity, text, reader) : text);
    case "mention": case "text_mention": case "hashtag": case "cashtag": case "email": case "phone_number":
      return make("span", {className: "like-link"}, ...inner);
    case "spoiler": return spoiler(inner);
    case "blockquote": return make("blockquote", {}, ...inner);
    case "expandable_blockquote": return folded(inner, text);
    default: return make(TAGS[entity.type] || "span", {}, ...inner);
  }
}

function link(address, inner, reader) {
  if (!reader.follow) return make("span", {className: "like-link"}, ...inner);
  return button(inner, () => reader.follow(address), {className: "link"});
}

function spoiler(inner) {
  const hidden = button(inner, () => {
    const shown = hidden.classList.toggle("shown");
    setAttribute(hidden, "aria-label", shown ? null : "Hidden text, show it");
  }, {className: "spoiler", "aria-label": "Hidden text, show it"});
  return hidden;
}

/** A link's code is sent along with /start, and shown by no Telegram app. */
export const withoutCode = text => text.replace(/^(\/start) \S+$/, "$1");

const SHORT = 180;

function folded(inner, text) {
  const quote = make("blockquote", {}, ...inner);
  if (text.length <= SHORT) return quote;
  quote.classList.add("folded");
  const more = button("Show all", () => {
    const now = quote.classList.toggle("folded");
    more.textContent = now ? "Show all" : "Show less";
    more.setAttribute("aria-expanded", String(!now));
  }, {className: "link more", "aria-expanded": "false", lang: "en"});
  return make("div", {}, quote, more);
}

function dateTime(entity, text, reader) {
  const shape = entity.date_time_format;
  if (shape === "r") return text;
  const options = {};
  if (shape.includes("w")) options.weekday = "long";
  if (shape.includes("d")) Object.assign(options, {day: "numeric", month: "numeric", year: "numeric"});
  if (shape.includes("D")) Object.assign(options, {day: "numeric", month: "long", year: "numeric"});
  if (/t/i.test(shape)) Object.assign(options, {hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
  if (shape.includes("T")) options.second = "2-digit";
  return inZone(entity.unix_time * 1000, options, reader.timezone, reader.language === "en" ? "en-GB" : reader.language);
}
