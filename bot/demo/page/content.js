// The clinic's own content: which is in force, and what is wrong in its files.

import {count, find, icon, make, openDialog, setAttribute, setHidden, tell} from "./dom.js";
import {clockTime} from "./times.js";

const SHOWN = 8;  // problems named above the chats; all of them are in the panel

export function createContent(app) {
  const badge = find("#content-badge");
  let changed = null;
  let drawn = "";
  badge.addEventListener("click", open);

  function update() {
    const {content} = app.state;
    const read = content.changed ?? 0;
    if (changed !== null && read !== changed) tell(reloaded(content));
    changed = read;
    const mark = JSON.stringify(content);
    if (mark === drawn) return;
    drawn = mark;
    setHidden(badge, !content.folder);
    const wrong = content.problems.length;
    badge.classList.toggle("faulty", wrong > 0);
    badge.replaceChildren(icon(wrong ? "i-warn" : "i-folder"), make("span", {}, "Your content"), make("small", {}, wrong ? count(wrong, "problem") : summary(content)));
    setAttribute(badge, "title", content.folder);
    fill(content);
  }

  function open() {
    fill(app.state.content);
    openDialog(find("#content"));
  }

  function notices() {
    const {problems} = app.state.content;
    if (!problems.length) return [];
    const left = problems.length - SHOWN;
    return [{
      key: "content", kind: "fault", title: `Your content has ${count(problems.length, "problem")}`, text: "",
      list: problems.slice(0, SHOWN), button: left > 0 ? `All ${problems.length}` : "Details", do: open,
    }];
  }

  return {update, notices};
}

const summary = content => `${content.version} · ${content.approved ? "approved" : "not approved"}`;

function reloaded(content) {
  if (content.problems.length) return `Your content was read again: ${count(content.problems.length, "problem")}.`;
  return `Your content was read again: version ${content.version}.`;
}

function fill(content) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const facts = [
    ["Folder", content.folder ?? "none: the content that comes with Aftercare"],
    ["Version", content.version],
    ["Approval", content.approved ? "approved by a clinician" : "not approved yet"],
    content.changed && ["Last read", clockTime(content.changed, zone)],
  ].filter(Boolean);
  find("#content-body").replaceChildren(
    make("dl", {className: "facts"}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
    ...(content.problems.length ? [make("h3", {}, count(content.problems.length, "problem")), problemList(content.problems)] : []),
    make("p", {className: "soft"}, "Save a file in the folder, and it counts here at once."));
}

export function problemList(problems) {
  return make("ul", {className: "problems"}, ...problems.map(one => make("li", {}, make("code", {}, one.where), " ", one.what)));
}
