// The stories that play themselves: the welcome, and the card with what is happening.

import {button, find, icon, make, openDialog, setAttribute, setHidden, setText, tell} from "./dom.js";
import {act} from "./server.js";

const WELCOMED = "aftercare-welcomed";

export function createStory(app) {
  const card = buildCard(app);
  let shown = "";        // the chats the story last asked for, and in which of them something happens
  let byButton = false;  // paused by the button, not by a hand elsewhere
  let taken = false;     // the visitor's hand was faster than the server's word of it
  prepareWelcome(app);

  card.pause.onclick = () => {
    const playing = app.state.story.state === "playing";
    byButton = playing;
    if (!playing) shown = "";
    act("story", {do: playing ? "pause" : "resume"});
  };
  card.take.onclick = () => { takeOver(); app.focusChat(); };

  function takeOver() {
    if (app.state.story?.state !== "playing" || taken) return;
    byButton = false;
    taken = true;
    update();
    act("story", {do: "pause"}).then(() => { taken = false; });
  }

  function update() {
    const {story} = app.state;
    setHidden(card.element, !story);
    document.body.classList.toggle("story-on", Boolean(story));
    if (story) card.show(story, taken ? "paused" : story.state, byButton);
    if (story?.state === "playing" && !taken) follow(story);
    if (!story) shown = "";
  }

  /** Opens the chats the story is in; where only one fits, that in which something happens. */
  function follow(story) {
    const acting = story.typing?.person ?? story.press?.person;
    const active = acting ?? (story.show.includes(app.active) ? app.active : story.show.at(-1));
    const wish = JSON.stringify([story.show, active]);
    if (wish === shown || !story.show.length) return;
    shown = wish;
    app.show(story.show, active);
  }

  /** The story as the chats are to show it: only while it plays. */
  const playing = () => app.state.story?.state === "playing" && !taken ? app.state.story : null;

  function forget() {
    shown = "";
    byButton = false;
    taken = false;
  }

  return {update, playing, takeOver, forget, welcome: () => welcome(app)};
}

function buildCard(app) {
  const element = find("#story");
  const step = make("p", {className: "story-step"});
  const caption = make("p", {className: "story-caption", "aria-live": "polite"});
  const bar = make("progress", {"aria-label": "How far the story is", max: 1, value: 0});
  const pause = button("Pause", null);
  const take = button("Take over", null);
  const stop = button("Stop", () => act("story", {do: "stop"}));
  const again = button("Play again", () => start(app, app.state.story.name), {className: "strong"});
  const others = button("Other stories", () => openWelcome(app));
  element.append(make("div", {className: "story-words"}, step, caption), make("div", {className: "story-buttons"}, pause, take, again, others, stop), bar);

  function show(story, state, byButton) {
    const running = state === "playing" || state === "paused";
    setAttribute(element, "data-state", state);
    setText(step, `${story.title} · ${state === "ended" ? "the end" : `step ${story.step} of ${story.of}`}`);
    setText(caption, captionOf(story, state, byButton));
    bar.max = story.of;
    bar.value = story.step;
    setText(pause, state === "paused" ? "Go on" : "Pause");
    setAttribute(pause, "class", state === "paused" ? "strong" : null);
    setHidden(pause, !running);
    setHidden(take, state !== "playing");
    setHidden(again, running);
    setHidden(others, running);
    setText(stop, running ? "Stop" : "Close");
  }

  return {element, pause, take, show};
}

function captionOf(story, state, byButton) {
  if (state === "paused") return byButton ? `Paused. ${story.caption}` : "Paused: you have taken over. Look around, then go on or stop.";
  if (state === "stuck") return `The story cannot go on from here. ${story.caption}`;
  return story.caption;
}

// The welcome.

function prepareWelcome(app) {
  find("[data-dialog=welcome]").addEventListener("click", () => openWelcome(app));
  find("#welcome").addEventListener("close", () => {
    if (!matchMedia("(pointer: coarse)").matches) app.focusChat();
  });
}

function welcome(app) {
  const asked = new URLSearchParams(location.search);
  const wanted = asked.get("story");
  if (wanted) {
    startAsked(app, wanted, Number(asked.get("tempo")) || 1);
  } else if (!app.state.story && !sessionStorage.getItem(WELCOMED)) {
    openWelcome(app);
  }
  sessionStorage.setItem(WELCOMED, "yes");
}

/** The story that is named in the address, which is to be begun once only. */
async function startAsked(app, name, tempo) {
  const {story, stories} = app.state;
  const isKnown = stories.some(one => one.name === name);
  if (!isKnown) openWelcome(app, "There is no such story.");
  else if (story?.name !== name) await start(app, name, tempo);
  const address = new URL(location);
  for (const part of ["story", "tempo"]) address.searchParams.delete(part);
  history.replaceState(null, "", address);
}

function openWelcome(app, wrong = "") {
  setText(find("#welcome-wrong"), wrong);
  const first = app.state.stories.find(story => story.name === "first") ?? app.state.stories[0];
  const others = app.state.stories.filter(story => story !== first);
  find("#stories").replaceChildren(...(first ? [firstNode(app, first)] : []), ...others.map(story => otherNode(app, story)));
  openDialog(find("#welcome"));
  find("#stories button")?.focus();
}

const NUMBERS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** Begins a story. Where anything was done before, the server begins everything afresh for it. */
async function start(app, name, tempo = 1) {
  find("#welcome").close();
  const isUsed = app.state.people.some(one => one.role === "patient" && one.started);
  const told = await app.askAfresh("story", {do: "start", name, tempo}, isUsed);
  if (!told.ok) tell(told.error);
}

function firstNode(app, story) {
  const words = `Play the ${NUMBERS[story.minutes] ?? story.minutes}-minute story`;
  return make("div", {className: "story-first"},
    button([icon("i-play"), words], () => start(app, story.name), {className: "strong big"}), make("p", {}, story.about));
}

function otherNode(app, story) {
  return button([make("strong", {}, story.title), make("span", {}, story.about), make("small", {}, `${story.minutes} min`)],
    () => start(app, story.name), {className: "story-other"});
}
