// Where a person writes: text, the command menu, a file, a reply, an edit.

import {button, icon, iconButton, make, moveFocus, setAttribute, setHidden, setText, tell} from "./dom.js";
import {act} from "./server.js";

const LARGEST = 10 * 1024 * 1024;

export class Composer {
  #chat;
  #parts;
  #mode = null;       // {kind: "reply" | "edit" | "file", …}
  #ghost = null;      // what the story is typing here
  #draft = "";        // what the visitor had written when the story began to type
  #commands = [];
  #sending = false;

  constructor(chat) {
    this.#chat = chat;
    this.#parts = build(chat);
    this.#listen();
    this.#grow();
  }

  get element() {
    return this.#parts.element;
  }

  focus() {
    const {form, start, text} = this.#parts;
    (form.hidden ? start : text).focus();
  }

  update(told, person) {
    const {form, start, text, commands} = this.#parts;
    this.#commands = told.commands;
    const fresh = !person.started && !told.messages.length;
    const shut = person.blocked || (fresh && this.#ghost === null);
    setHidden(form, shut);
    setHidden(start, !shut);
    setText(start, person.blocked ? "Restart bot" : "Start");
    setHidden(commands, !told.commands.length);
    setAttribute(text, "lang", person.language);
    setAttribute(text, "aria-label", `Message from ${person.name}`);
    const edited = this.#mode?.kind === "edit" && this.#mode.message.id;
    if (edited && !told.messages.some(message => message.id === edited)) this.#setMode(null);
  }

  // Writing.

  #listen() {
    const {element, form, text, menu, commands} = this.#parts;
    text.addEventListener("input", () => {
      this.#chat.app.takeOver();
      this.#grow();
      this.#offerCommands();
    });
    text.addEventListener("pointerdown", () => this.#takeOver());
    text.addEventListener("keydown", event => this.#keyDown(event));
    form.addEventListener("submit", event => { event.preventDefault(); this.#send(); });
    commands.onclick = () => this.#openCommands(menu.hidden);
    menu.addEventListener("keydown", event => {
      if (event.key === "Escape") this.#closeCommands();
      moveFocus(event, [...menu.children], ["ArrowUp", "ArrowDown"]);
    });
    element.addEventListener("focusout", event => {
      if (event.relatedTarget && !element.contains(event.relatedTarget)) this.#openCommands(false);
    });
    this.#listenForFiles();
  }

  #keyDown(event) {
    const {menu} = this.#parts;
    if (event.isComposing) return;
    const handled = {
      Enter: () => !event.shiftKey && (this.#send(), true),
      Escape: () => !menu.hidden ? (this.#openCommands(false), true) : this.#mode && (this.#setMode(null), true),
      ArrowUp: () => !menu.hidden ? (menu.lastElementChild.focus(), true) : this.#editLast(),
    }[event.key]?.();
    if (handled) event.preventDefault();
    else if (event.key.length === 1 ) this.#takeOver();
  }

  async #send() {
    const {text} = this.#parts;
    const value = text.value;
    if (this.#sending || this.#ghost !== null || (!value.trim() && this.#mode?.kind !== "file")) return;
    this.#sending = true;
    const done = await act(...this.#request(value));
    this.#sending = false;
    if (!done) return;
    text.value = "";
    this.#setMode(null);
    this.#openCommands(false);
    this.#chat.toEnd();
  }

  #request(value) {
    const person = this.#chat.id;
    const mode = this.#mode;
    if (mode?.kind === "edit") return ["edit", {person, message: mode.message.id, text: value}];
    if (mode?.kind === "file") return ["attach", {person, name: mode.name, content: mode.content, caption: value}];
    return ["say", {person, text: value, ...(mode ? {reply_to: mode.message.id} : {})}];
  }

  #grow() {
    const {element, text} = this.#parts;
    setAttribute(element, "data-empty", !text.value && this.#mode?.kind !== "file" ? "" : null);
    if (CSS.supports("field-sizing", "content")) return;
    text.style.setProperty("height", "auto");
    text.style.setProperty("height", `${text.scrollHeight}px`);
  }

  // A reply, an edit, a file: the strip above the text says which.

  replyTo(message) {
    this.#setMode({kind: "reply", message});
    this.focus();
  }

  edit(message) {
    const {text} = this.#parts;
    this.#setMode({kind: "edit", message});
    text.value = message.text;
    this.#grow();
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
  }

  #editLast() {
    const own = this.#chat.lastOwn();
    if (this.#parts.text.value || this.#mode || !own) return false;
    this.edit(own);
    return true;
  }

  #setMode(next) {
    const {text, strip, submit} = this.#parts;
    if (this.#mode?.kind === "edit") text.value = "";
    this.#mode = next;
    setHidden(strip, !next);
    strip.replaceChildren(...(next ? stripNodes(next, () => { this.#setMode(null); this.focus(); }) : []));
    setAttribute(submit, "aria-label", next?.kind === "edit" ? "Save the edit" : "Send");
    submit.replaceChildren(icon(next?.kind === "edit" ? "i-check" : "i-send"));
    this.#grow();
  }

  #listenForFiles() {
    const {attach, file, text} = this.#parts;
    attach.onclick = () => file.click();
    file.addEventListener("change", () => {
      if (file.files[0]) this.#takeFile(file.files[0]);
      file.value = "";
    });
    text.addEventListener("paste", event => {
      const pasted = event.clipboardData.files[0];
      if (!pasted) return;
      event.preventDefault();
      this.#takeFile(pasted);
    });
  }

  async #takeFile(file) {
    if (file.size > LARGEST) return tell("That file is larger than 10 MB.");
    const address = await readFile(file);
    this.#setMode({kind: "file", name: file.name || "picture.png", content: address.slice(address.indexOf(",") + 1),
      picture: file.type.startsWith("image/") ? address : null});
    this.focus();
  }

  // The command menu.

  #offerCommands() {
    const typed = this.#parts.text.value.match(/^\/(\w*)$/);
    this.#openCommands(Boolean(typed), typed?.[1].toLowerCase());
  }

  #openCommands(open, typed = "") {
    const {menu, commands} = this.#parts;
    const found = open ? this.#commands.filter(one => one.command.startsWith(typed)) : [];
    setHidden(menu, !found.length);
    setAttribute(commands, "aria-expanded", String(found.length > 0));
    menu.replaceChildren(...found.map(one => this.#commandNode(one)));
  }

  #closeCommands() {
    this.focus();
    this.#openCommands(false);
  }

  #commandNode(one) {
    const words = make("span", {lang: this.#chat.person().language}, one.description);
    return button([make("strong", {}, `/${one.command}`), words], () => {
      this.#parts.text.value = "";
      this.#chat.say(`/${one.command}`);
      this.#closeCommands();
      this.#grow();
    });
  }

  // The story's hand, and the visitor's.

  /** Shows what the story is typing (null: nothing); what the visitor had written comes back afterwards. */
  showTyping(words) {
    const {element, form, start, text} = this.#parts;
    if (words === this.#ghost) return;
    if (this.#ghost === null) this.#draft = text.value;
    this.#ghost = words;
    element.classList.toggle("ghost", words !== null);
    text.readOnly = words !== null;
    text.value = words ?? this.#draft;
    this.#grow();
    if (words === null) return;
    setHidden(form, false);
    setHidden(start, true);
    text.scrollTop = text.scrollHeight;
  }

  // What the story had typed stays, to go on from.
  #takeOver() {
    if (this.#ghost === null) return;
    this.#ghost = null;
    this.#parts.text.readOnly = false;
    this.element.classList.remove("ghost");
    this.#chat.app.takeOver();
  }
}

function build(chat) {
  const text = make("textarea", {rows: 1, maxLength: 4096, placeholder: "Message", enterKeyHint: "send"});
  const commands = button([icon("i-menu"), make("span", {}, "Menu")], null, {className: "commands", "aria-label": "Command menu", "aria-expanded": "false"});
  const attach = iconButton("i-attach", "Attach a picture or a file", null);
  const submit = make("button", {type: "submit", className: "round send", "aria-label": "Send"}, icon("i-send"));
  const file = make("input", {type: "file", hidden: true, tabIndex: -1});
  const form = make("form", {className: "write", autocomplete: "off"}, commands, text, attach, file, submit);
  const start = button("Start", () => begin(chat), {className: "strong start", hidden: true});
  const menu = make("div", {className: "command-list", role: "group", "aria-label": "Commands", hidden: true});
  const strip = make("div", {className: "strip", hidden: true});
  const element = make("div", {className: "composer"}, menu, strip, form, start);
  return {element, form, text, start, commands, menu, strip, attach, file, submit};
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
