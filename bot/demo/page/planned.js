// The panel of one planned message: its text as the patient sees it, the rules behind it, their sources.

import {find, icon, make, openDialog, setAttribute, setText} from "./dom.js";
import {formatted} from "./formatting.js";
import {planned as ask} from "./server.js";
import {clockTime, dayAndTime} from "./times.js";

const STATES = {
  scheduled: "planned", sending: "being sent", sent: "sent", skipped: "skipped",
  unknown: "not known whether it arrived", unreachable: "not reached", failed: "could not be sent",
};

/** What became of a message, in words. What is due and not sent waits for something. */
export function stateWords(one, line, app) {
  if (one.state !== "scheduled" || one.due >= app.now()) return STATES[one.state] ?? one.state;
  const {faults, bot} = app.state;
  if (faults.down || faults.too_many) return "waits for Telegram";
  if (bot.running !== "running") return "waits for the bot";
  return isNight(app.now(), line) ? "waits for the morning" : "waits";
}

function isNight(now, {nights, timezone}) {
  const hour = Number(clockTime(now, timezone).slice(0, 2));
  return hour >= nights.from || hour < nights.to;
}

export function createPlanned(app, line) {
  const dialog = find("#planned");
  const body = find("#planned-body");
  let id = null;
  let facts = null;
  find("#planned-before").onclick = () => step(-1);
  find("#planned-after").onclick = () => step(1);

  const all = () => line()?.messages ?? [];
  const place = () => all().findIndex(one => one.id === id);
  const step = by => open(all()[(place() + by + all().length) % all().length].id);

  async function open(wanted) {
    id = wanted;
    const one = all()[place()];
    setText(find("#planned-title"), one.title);
    setAttribute(find("#planned-title"), "lang", app.person(line().person).language);
    facts = make("dl", {className: "facts"});
    body.replaceChildren(facts, make("p", {className: "soft"}, "One moment …"));
    openDialog(dialog);
    update();
    body.scrollTop = 0;
    const told = await ask(wanted).catch(() => null);
    if (id !== wanted) return;
    body.lastChild.remove();
    body.append(...(told ? parts(told, app.person(line().person)) : [make("p", {}, "This message is no longer planned.")]));
  }

  /** Its state, which changes while one looks. */
  function update() {
    const one = all()[place()];
    if (!one || !facts) return;
    const words = factsOf(one, stateWords(one, line(), app), line().timezone);
    const mark = JSON.stringify(words);
    setText(find("#planned-place"), `${place() + 1} of ${all().length}`);
    if (facts.dataset.mark === mark) return;
    facts.dataset.mark = mark;
    facts.replaceChildren(...words.flatMap(([name, value], n) => [
      make("dt", {}, name), make("dd", {}, n ? null : icon(`s-${one.state}`, `shape ${one.state}`), value)]));
  }

  return {open, update, close: () => dialog.close()};
}

function factsOf(one, state, zone) {
  return [
    ["State", state[0].toUpperCase() + state.slice(1)],
    ["Due", dayAndTime(one.due, zone)],
    one.sent && ["Sent", dayAndTime(one.sent, zone)],
    one.reason && ["Why", one.reason],
    !one.sent && one.expires && ["Right until", dayAndTime(one.expires, zone)],
  ].filter(Boolean);
}

function parts(told, person) {
  const reader = {language: told.language, timezone: person.timezone};
  const bubble = make("div", {className: "bubble text", lang: told.language}, ...formatted(told.text, told.entities, reader));
  return [
    make("h3", {}, `What ${person.name} reads`), bubble,
    ...(told.rules.length ? [make("h3", {}, "What it rests on"), make("ul", {className: "rules"}, ...told.rules.map(ruleNode))] : []),
    ...(told.sources.length ? [make("h3", {}, "Sources"), make("ul", {className: "sources"}, ...told.sources.map(sourceNode))] : []),
    make("p", {className: "soft"}, `Content ${told.version}`),
  ];
}

function ruleNode(rule) {
  const [subject, ...rest] = rule.says.split(": ");
  const notes = [rule.sure, rule.sources.join(", ")].filter(Boolean);
  return make("li", {}, make("strong", {}, subject), rest.length ? `: ${rest.join(": ")}` : "", ...notes.map(note => make("small", {}, note)));
}

function sourceNode(source) {
  return make("li", {}, make("strong", {}, source.key), " ", source.title);
}
