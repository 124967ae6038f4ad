// The list of people, and adding one.

import {avatar, button, find, iconButton, Keyed, make, openDialog, setAttribute, setHidden, setText, tell} from "./dom.js";
import {ask} from "./server.js";
import {withoutCode} from "./formatting.js";
import {city, clockTime, dateKey, inZone} from "./times.js";

const MANY = 12;  // from here on a search field helps
const LANGUAGES = {en: "English", es: "Spanish"};

export function createPeople(app) {
  const lists = {staff: new Keyed(find("#staff")), patients: new Keyed(find("#patients"))};
  let wanted = "";

  find("#search-text").addEventListener("input", event => {
    wanted = plain(event.target.value);
    update();
  });
  prepareAdding(app);

  function update() {
    const people = app.state.people;
    setHidden(find("#search"), people.length <= MANY);
    const found = people.filter(person => plain(person.name).includes(wanted));
    lists.staff.show(found.filter(person => person.role !== "patient").map(person => row(app, person)));
    lists.patients.show(found.filter(person => person.role === "patient").map(person => row(app, person)));
    setHidden(find("#nobody"), found.length > 0);
  }

  /** The people's local times, as the clock runs. */
  function tick() {
    const times = new Map();
    for (const shown of document.querySelectorAll("#people time[data-zone]")) {
      const zone = shown.dataset.zone;
      if (!times.has(zone)) times.set(zone, clockTime(app.now(), zone));
      setText(shown, times.get(zone));
    }
  }

  return {update, tick};
}

const language = person => person.spoken ?? LANGUAGES[person.language] ?? person.language;
const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function row(app, person) {
  const open = app.shown.includes(person.id);
  const unread = app.unread(person);
  const when = person.last ? lastTime(person.last.date, app.now(), person.timezone) : "";
  const mark = JSON.stringify([person.name, person.role, person.language, person.timezone, person.blocked,
    person.started, person.last, open, person.id === app.active, unread, when, app.wide]);
  const draw = node => drawRow(app, node, person, {open, unread, when});
  return {key: person.id, mark, update: draw, make: () => {
    const node = emptyRow(app, person);
    draw(node);
    return node;
  }};
}

function emptyRow(app, person) {
  const parts = {};
  const face = make("span", {className: "face"}, avatar(person.name, person.id));
  const local = make("time", {"data-zone": person.timezone}, clockTime(app.now(), person.timezone));
  parts.choose = button([
    face,
    make("span", {className: "who"}, parts.name = make("span", {className: "name"}), parts.when = make("span", {className: "when"})),
    make("span", {className: "last"}, parts.last = make("span", {className: "last-text"}), parts.unread = make("span", {className: "unread"})),
    make("span", {className: "about"}, parts.role = make("span"), local, ` ${city(person.timezone)} · ${language(person)}`),
  ], () => app.choose(person.id), {className: "person"});
  parts.beside = iconButton("i-beside", `Open ${person.name} beside`, () => app.beside(person.id));
  const node = make("li", {}, parts.choose, parts.beside);
  node.parts = parts;
  return node;
}

function drawRow(app, node, person, {open, unread, when}) {
  const {choose, beside, name, last, role, ...parts} = node.parts;
  setText(name, person.name);
  setText(parts.when, when);
  setText(last, lastWords(person));
  setAttribute(last, "lang", person.last ? person.language : null);
  setText(parts.unread, unread ? String(unread) : "");
  setAttribute(parts.unread, "aria-label", unread ? `${unread} new` : null);
  setAttribute(parts.unread, "role", unread ? "img" : null);
  setText(role, `${person.role} · `);
  setAttribute(choose, "aria-current", person.id === app.active ? "true" : null);
  node.classList.toggle("open", open);
  node.classList.toggle("blocked", person.blocked);
  setHidden(beside, open || !app.wide);
}

function lastWords(person) {
  if (person.blocked) return "Has blocked the bot";
  if (!person.last) return person.started ? "No messages" : "Has not opened the bot";
  const line = withoutCode(person.last.text.replaceAll("\n", " "));
  return person.last.from_bot ? line : `› ${line}`;
}

function lastTime(date, now, zone) {
  if (dateKey(date, zone) === dateKey(now, zone)) return clockTime(date, zone);
  return inZone(date, {day: "numeric", month: "short"}, zone);
}

// Adding a patient.

function prepareAdding(app) {
  const form = find("#add-form");
  let adding = false;
  find("[data-dialog=add]").addEventListener("click", () => {
    fillZones(app);
    setText(find("#add-wrong"), "");
    openDialog(find("#add"));
  });
  form.addEventListener("submit", async event => {
    event.preventDefault();
    if (adding) return;
    adding = true;
    const told = await ask("person", Object.fromEntries(new FormData(form)));
    adding = false;
    if (!told.ok) return setText(find("#add-wrong"), told.error);
    find("#add").close();
    tell(`${form.elements.name.value} was added. Record a session for them at the clinic, then open its link on their phone.`);
    form.elements.name.value = "";
    app.chooseWhenThere(told.id);
  });
}

function fillZones(app) {
  const list = find("#zones");
  const zone = find("#add-zone");
  if (!zone.value) zone.value = app.state.people[0].timezone;
  if (list.childElementCount) return;
  list.append(...Intl.supportedValuesOf("timeZone").map(value => make("option", {value})));
}

/** Lets one of the people be chosen: who opens a link, or scans a picture. */
export function askWho(app, {title, shown, chosen}) {
  const dialog = find("#opening");
  const search = find("#opening-search");
  const list = find("#opening-people");
  setText(find("#opening-title"), title);
  setText(find("#opening-link"), shown);
  setHidden(search, app.state.people.length <= MANY);
  search.value = "";
  const show = () => list.replaceChildren(...candidates(app, plain(search.value)).map(person => make("li", {},
    button([avatar(person.name, person.id), make("span", {}, person.name), make("small", {}, person.role)], () => {
      dialog.close();
      chosen(person.id);
    }, {className: "choice"}))));
  search.oninput = show;
  show();
  openDialog(dialog);
}

// Patients who have not opened the bot are those a link is for.
function candidates(app, wanted) {
  const rank = person => person.role !== "patient" ? 2 : person.started ? 1 : 0;
  return app.state.people.filter(person => plain(person.name).includes(wanted)).sort((a, b) => rank(a) - rank(b));
}
