// What is said above the chats for as long as it is so: faults, problems, a server that is gone.

import {button, find, icon, iconButton, Keyed, make} from "./dom.js";
import {problemList} from "./content.js";

const ICONS = {fault: "i-warn", good: "i-check", plain: "i-clock"};

/** Shows notices: [{key, kind, title, text, list?, button?, do?, close?}]. */
export function createNotices() {
  const list = new Keyed(find("#notices"));
  return notices => list.show(notices.map(notice => ({
    key: notice.key, mark: JSON.stringify({...notice, do: null}), make: () => noticeNode(notice),
  })));
}

function noticeNode(notice) {
  return make("div", {className: `notice ${notice.kind}`, role: notice.kind === "fault" ? "alert" : "status"}, icon(ICONS[notice.kind]),
    make("div", {className: "notice-words"}, make("strong", {}, notice.title, notice.title.endsWith("…") ? "" : "."), " ", notice.text, notice.list ? problemList(notice.list) : null),
    notice.button ? button(notice.button, notice.do, {"data-focus": "do"}) : null,
    notice.close ? iconButton("i-close", "Close this notice", notice.close, {"data-focus": "close"}) : null);
}
