// Where a person writes: text, the command menu, a file, a reply, an edit.

import {button, find, icon, iconButton, make, moveFocus, setAttribute, setHidden, setText, tell} from "./dom.js";
import {act} from "./server.js";

const LARGEST = 10 * 1024 * 1024;

export function createComposer(chat) {
  const parts = build(chat);
  const {element, form, text, start, commands, menu, strip} = parts;
  let mode = null;      // {kind: "reply" | "edit" | "file", …}
  let ghost = null;     // what the story is typing here
  let draft = "";       // what the visitor had written when the story began to type
  let known = [];
  let sending = false;

  const fileInput = find("input[type=file]", form);
  fileInput.addEventListener("change", () => {
    if (fileInput.files[0]) takeFile(fileInput.files[0]);
    fileInput.value = "";
  });
  parts.attach.onclick = () => fileInput.click();
  text.addEventListener("paste", event => {
    const file = event.clipboardData.files[0];
    if (!file) return;
    event.preventDefault();
    takeFile(file);
  });
  text.addEventListener("input", () => { grow(); offerCommands(); });
  text.addEventListener("pointerdown", takeOver);
  text.addEventListener("keydown", keyDown);
  form.addEventListener("submit", event => { event.preventDefault(); send(); });
  commands.onclick = () => openCommands(menu.hidden, "");
  menu.addEventListener("keydown", event => {
    if (event.key === "Escape") { openCommands(false); text.focus(); }
    moveFocus(event, [...menu.children], ["ArrowUp", "ArrowDown"]);
  });
  element.addEventListener("focusout", event => {
    if (event.relatedTarget && !element.contains(event.relatedTarget)) openCommands(false);
  });

  function keyDown(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && (mode || !menu.hidden)) {
      event.preventDefault();
      if (menu.hidden) setMode(null);
      else openCommands(false);
    } else if (event.key === "ArrowUp" && !menu.hidden) {
      event.preventDefault();
      menu.lastElementChild?.focus();
    } else if (event.key === "ArrowUp" && !text.value && !mode && chat.lastOwn()) {
      event.preventDefault();
      edit(chat.lastOwn());
    } else if (ghost !== null && event.key.length === 1) {
      takeOver();
    }
  }

  // A hand on the keyboard stops the story; what it had typed stays, to go on from.
  function takeOver() {
    if (ghost === null) return;
    ghost = null;
    text.readOnly = false;
    element.classList.remove("ghost");
    chat.app.takeOver();
  }

  async function send() {
    const value = text.value;
    if (sending || ghost !== null || (!value.trim() && mode?.kind !== "file")) return;
    sending = true;
    const done = await act(...request(value));
    sending = false;
    if (!done) return;
    text.value = "";
    setMode(null);
    openCommands(false);
    grow();
    chat.toEnd();
  }

  function request(value) {
    const person = chat.id;
    if (mode?.kind === "edit") return ["edit", {person, message: mode.message.id, text: value}];
    if (mode?.kind === "file") return ["attach", {person, name: mode.name, content: mode.content, caption: value}];
    return ["say", {person, text: value, ...(mode?.kind === "reply" ? {reply_to: mode.message.id} : {})}];
  }

  async function takeFile(file) {
    if (file.size > LARGEST) return tell("That file is larger than 10 MB.");
    const address = await readFile(file);
    setMode({kind: "file", name: file.name || "picture.png", content: address.slice(address.indexOf(",") + 1),
      picture: file.type.startsWith("image/") ? address : null});
    text.focus();
  }

  function replyTo(message) {
    setMode({kind: "reply", message});
    text.focus();
  }

  function edit(message) {
    setMode({kind: "edit", message});
    text.value = message.text;
    grow();
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
  }

  function setMode(next) {
    if (mode?.kind === "edit" && !next) text.value = "";
    mode = next;
    setHidden(strip, !next);
    strip.replaceChildren(...(next ? stripNodes(next, () => { setMode(null); text.focus(); }) : []));
    setAttribute(parts.submit, "aria-label", next?.kind === "edit" ? "Save the edit" : "Send");
    parts.submit.replaceChildren(icon(next?.kind === "edit" ? "i-check" : "i-send"));
    grow();
  }

  function offerCommands() {
    const typed = text.value.match(/^\/(\w*)$/);
    if (typed) openCommands(true, typed[1].toLowerCase());
    else openCommands(false);
  }

  function openCommands(open, typed = "") {
    const found = known.filter(one => one.command.startsWith(typed));
    const show = Boolean(open && found.length);
    setHidden(menu, !show);
    setAttribute(commands, "aria-expanded", String(show));
    if (show) menu.replaceChildren(...found.map(commandNode));
  }

  function commandNode(one) {
    return button([make("strong", {}, `/${one.command}`), make("span", {lang: chat.person().language}, one.description)], () => {
      openCommands(false);
      text.value = "";
      chat.say(`/${one.command}`);
      text.focus();
    });
  }

  function grow() {
    setAttribute(element, "data-empty", !text.value && mode?.kind !== "file" ? "" : null);
    if (CSS.supports("field-sizing", "content")) return;
    text.style.setProperty("height", "auto");
    text.style.setProperty("height", `${text.scrollHeight}px`);
  }

  function update(told, person) {
    known = told.commands;
    const fresh = !person.started && !told.messages.length;
    const shut = person.blocked || (fresh && ghost === null);
    setHidden(form, shut);
    setHidden(start, !shut);
    setText(start, person.blocked ? "Restart bot" : "Start");
    setHidden(commands, !known.length);
    setAttribute(text, "lang", person.language);
    setAttribute(text, "aria-label", `Message from ${person.name}`);
    if (mode?.kind === "edit" && !told.messages.some(message => message.id === mode.message.id)) setMode(null);
  }

  function showTyping(words) {
    if (words === ghost) return;
    if (ghost === null) draft = text.value;
    ghost = words;
    element.classList.toggle("ghost", words !== null);
    text.readOnly = words !== null;
    text.value = words ?? draft;
    if (words !== null) {
      setHidden(form, false);
      setHidden(start, true);
      text.scrollTop = text.scrollHeight;
    }
    grow();
  }

  grow();
  return {element, update, replyTo, edit, showTyping, focus: () => (form.hidden ? start : text).focus()};
}

function build(chat) {
  const text = make("textarea", {rows: 1, maxLength: 4096, placeholder: "Message", enterKeyHint: "send"});
  const commands = button([icon("i-menu"), make("span", {}, "Menu")], null, {className: "commands", "aria-label": "Command menu", "aria-expanded": "false"});
  const attach = iconButton("i-attach", "Attach a picture or a file", null);
  const submit = make("button", {type: "submit", className: "round send", "aria-label": "Send"}, icon("i-send"));
  const form = make("form", {className: "write", autocomplete: "off"}, commands, text, attach,
    make("input", {type: "file", hidden: true, tabIndex: -1}), submit);
  const start = button("Start", () => begin(chat), {className: "strong start", hidden: true});
  const menu = make("div", {className: "command-list", role: "group", "aria-label": "Commands", hidden: true});
  const strip = make("div", {className: "strip", hidden: true});
  const element = make("div", {className: "composer"}, menu, strip, form, start);
  return {element, form, text, start, commands, menu, strip, attach, submit};
}

async function begin(chat) {
  if (chat.person().blocked && !await act("unblock", {person: chat.id})) return;
  await act("open", {person: chat.id});
}

function stripNodes(mode, cancel) {
  const title = {reply: "Reply to", edit: "Edit", file: "Send"}[mode.kind];
  const what = mode.kind === "file" ? mode.name : mode.message.text || "a message";
  return [
    mode.picture ? make("img", {src: mode.picture, alt: ""}) : icon({reply: "i-reply", edit: "i-edit", file: "i-file"}[mode.kind]),
    make("div", {}, make("strong", {}, title), make("span", {}, what)),
    iconButton("i-close", "Cancel", cancel),
  ];
}

function readFile(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}
