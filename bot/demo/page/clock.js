// The demo's clock: what time it is for the person shown, and moving it.

import {find, icon, make, setAttribute, setText, tell} from "./dom.js";
import {act} from "./server.js";
import {city, clockTime, inZone, shortDay, year} from "./times.js";

const MOVES = {
  hour: () => ({hours: 1}),
  day: () => ({hours: 24}),
  next: () => ({to: "next"}),
  change: app => ({to: "clock_change", person: app.active}),
};
const SPEEDS = {600: {words: "10 min/s", icon: "i-play"}, 3600: {words: "1 h/s", icon: "i-fast"}};

export function createClock(app) {
  const shown = find("#now");
  const zone = find("#now-zone");
  const moves = find(".moves");
  let moving = false;

  moves.addEventListener("click", async event => {
    const pressed = event.target.closest("[data-move]");
    if (!pressed || moving) return;
    moving = true;
    setAttribute(pressed, "aria-busy", "true");
    const from = app.now();
    const done = await act("move", MOVES[pressed.dataset.move](app));
    setAttribute(pressed, "aria-busy", null);
    moving = false;
    if (done) announce(from);
  });
  find(".plays").addEventListener("click", event => {
    const pressed = event.target.closest("[data-play]");
    if (!pressed) return;
    const speed = Number(pressed.dataset.play);
    play(app.state.speed === speed ? 0 : speed);
  });

  async function play(speed) {
    if (!await act("play", {speed}) || !speed) return;
    setTimeout(() => {
      if (!app.state.speed) tell("No message is planned, so there is nothing to play.");
    }, 700);
  }

  // The news with the new time comes on its own way, a little later.
  function announce(from) {
    setTimeout(() => {
      const {timezone} = app.person(app.active);
      const now = app.now();
      if (now - from > 60_000) tell(`It is now ${shortDay(now, timezone)}, ${clockTime(now, timezone)}.`);
    }, 300);
  }

  function update() {
    for (const play of document.querySelectorAll("[data-play]")) {
      const {words, icon: picture} = SPEEDS[play.dataset.play];
      const on = app.state.speed === Number(play.dataset.play);
      if (play.dataset.on === String(on)) continue;
      play.dataset.on = String(on);
      play.classList.toggle("on", on);
      play.replaceChildren(icon(on ? "i-pause" : picture), make("span", {}, on ? "Pause" : words));
      setAttribute(play, "aria-label", on ? "Pause" : `Play, ${words.replace("/s", " a second")}`);
    }
    tick();
  }

  function tick() {
    const person = app.person(app.active);
    const now = app.now();
    setText(shown, `${dayWithYear(now, person.timezone)} ${clockTime(now, person.timezone)}`);
    setAttribute(shown, "datetime", new Date(now).toISOString().slice(0, 16));
    setText(zone, `${person.name}’s time, ${city(person.timezone)} (${zoneShort(now, person.timezone)})`);
    setAttribute(zone, "title", person.timezone);
  }

  return {update, tick};
}

/** The year is named where it is not the visitor's own. */
function dayWithYear(now, zone) {
  const day = shortDay(now, zone);
  return year(now, zone) === year(Date.now(), zone) ? day : `${day} ${year(now, zone)}`;
}

function zoneShort(now, zone) {
  return inZone(now, {timeZoneName: "short"}, zone).split(", ").at(-1);
}
