// The clinic's own content: which is in force, and what is wrong in its files.

import {count, find, icon, make, openDialog, setAttribute, setHidden, tell} from "./dom.js";
import {dayAndTime} from "./times.js";

const SHOWN = 8;  // problems named above the chats; all of them are in the panel

/** What keeps the bot from speaking from it. */
export const errorsOf = content => content.problems.filter(one => one.severity !== "warning");
const remarksOf = content => content.problems.filter(one => one.severity === "warning");

export function createContent(app) {
  const badge = find("#content-badge");
  let changed;           // as last told; undefined before
  let drawn = "";
  let closed = "";       // the problems whose notice was closed
  badge.addEventListener("click", open);

  function update() {
    const {content} = app.state;
    if (changed !== undefined && content.changed && content.changed !== changed) tell(RELOADED, "content");
    changed = content.changed;
    const mark = JSON.stringify(content);
    if (mark === drawn) return;
    drawn = mark;
    setHidden(badge, !content.folder);
    const wrong = errorsOf(content).length;
    badge.classList.toggle("faulty", wrong > 0);
    badge.replaceChildren(icon(wrong ? "i-warn" : "i-folder"), make("span", {}, "Your content"), make("small", {}, wrong ? count(wrong, "problem") : summary(content)));
    setAttribute(badge, "title", content.folder);
    if (!wrong) closed = "";
    fill(content);
  }

  function open() {
    fill(app.state.content);
    openDialog(find("#content"));
  }

  function notices() {
    const errors = errorsOf(app.state.content);
    const mark = JSON.stringify(errors);
    if (!errors.length || mark === closed) return [];
    return [{
      key: "content", kind: "fault", title: `Your content has ${count(errors.length, "problem")}`, text: "",
      list: errors.slice(0, SHOWN), button: errors.length > SHOWN ? `All ${errors.length}` : "Details", do: open,
      close: () => { closed = mark; app.showNotices(); },
    }];
  }

  return {update, notices};
}

const RELOADED = "Your content was read again. The bot speaks from it now.";

function summary(content) {
  const remarks = remarksOf(content).length;
  return [content.version, content.approved ? "approved" : "not approved", remarks && count(remarks, "remark")].filter(Boolean).join(" · ");
}

function fill(content) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const facts = [
    ["Folder", content.folder ?? "none: the content that comes with Aftercare"],
    content.version && ["Version", content.version],
    ["Approval", content.approved ? "approved by a clinician" : "not approved yet"],
    content.changed && ["Read again", dayAndTime(content.changed, zone)],
  ].filter(Boolean);
  find("#content-body").replaceChildren(
    make("dl", {className: "facts"}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
    ...headed("problem", "The bot cannot start with them.", errorsOf(content)),
    ...headed("remark", "They hinder nothing.", remarksOf(content)),
    make("p", {className: "soft"}, "Save a file in the folder, and it counts here at once."));
}

function headed(what, about, problems) {
  if (!problems.length) return [];
  return [make("h3", {}, count(problems.length, what)), make("p", {className: "soft about"}, about), problemList(problems)];
}

export function problemList(problems) {
  return make("ul", {className: "problems"}, ...problems.map(one => make("li", {}, one.where ? make("code", {}, one.where) : null, " ", one.what)));
}
