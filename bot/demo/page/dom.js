// Small helpers for building and keeping elements.

export const find = (selector, within = document) => within.querySelector(selector);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name, className = "icon") {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("class", className);
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  picture.append(use);
  return picture;
}

export function button(label, onclick, properties = {}) {
  return make("button", {type: "button", onclick, ...properties}, ...[label].flat());
}

export function iconButton(name, label, onclick, properties = {}) {
  return button([icon(name)], onclick, {className: "round", "aria-label": label, title: label, ...properties});
}

// Writing only what differs spares the browser the work and a screen reader the repetition.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export const setHidden = (node, hidden) => { if (node.hidden !== hidden) node.hidden = hidden; };

/** A list's elements, kept by key: what is unchanged stays the same node, with its focus. */
export class Keyed {
  #parent;
  #entries = new Map();

  constructor(parent) {
    this.#parent = parent;
  }

  get(key) {
    return this.#entries.get(key)?.node;
  }

  /** `items`: [{key, mark, make(), update?(node)}]; made anew (or updated) where the mark differs. */
  show(items) {
    const keys = new Set(items.map(item => item.key));
    for (const [key, entry] of this.#entries) {
      if (keys.has(key)) continue;
      removeKeepingFocus(entry.node);
      this.#entries.delete(key);
    }
    let cursor = this.#parent.firstChild;
    for (const item of items) {
      const before = this.get(item.key);
      const node = this.#current(item);
      if (before && before === cursor) cursor = node.nextSibling;
      else this.#parent.insertBefore(node, cursor);
    }
  }

  #current(item) {
    const entry = this.#entries.get(item.key);
    if (entry?.mark === item.mark) return entry.node;
    if (entry && item.update) {
      entry.mark = item.mark;
      item.update(entry.node);
      return entry.node;
    }
    const node = item.make();
    if (entry) replaceKeepingFocus(entry.node, node);
    this.#entries.set(item.key, {mark: item.mark, node});
    return node;
  }
}

function replaceKeepingFocus(before, after) {
  const focused = before.contains(document.activeElement) ? document.activeElement : null;
  const name = focused?.dataset.focus;
  before.replaceWith(after);
  if (!focused) return;
  const same = name && [...after.querySelectorAll("[data-focus]")].find(one => one.dataset.focus === name);
  (same || after).focus({preventScroll: true});
}

// Where the focus was goes; what is around it takes it.
function removeKeepingFocus(node) {
  const around = node.contains(document.activeElement) ? node.parentElement.closest("[tabindex]") : null;
  node.remove();
  around?.focus({preventScroll: true});
}

/** Opens a <dialog>; it closes by its [data-close] buttons, Escape, or a press outside. */
export function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

export function prepareDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", event => {
      if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    });
  }
}

/** A small menu below (or above) its button. `items`: [{icon, label, do}]. */
export function openMenu(anchor, items) {
  const menu = make("div", {className: "menu", popover: "auto", role: "menu", "aria-label": "What to do"});
  for (const item of items) {
    menu.append(button([icon(item.icon), item.label], () => { menu.hidePopover(); item.do(); },
      {role: "menuitem", tabIndex: -1}));
  }
  menu.addEventListener("keydown", event => moveFocus(event, [...menu.children], ["ArrowUp", "ArrowDown"]));
  menu.addEventListener("toggle", event => {
    if (event.newState !== "closed") return;
    const back = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (back && anchor.isConnected) anchor.focus();
  });
  anchor.setAttribute("aria-expanded", "true");
  document.body.append(menu);
  menu.showPopover();
  placeBy(anchor, menu);
  menu.firstElementChild.focus();
}

function placeBy(anchor, menu) {
  const near = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const below = near.bottom + 4 + size.height < innerHeight;
  menu.style.setProperty("top", `${below ? near.bottom + 4 : Math.max(8, near.top - size.height - 4)}px`);
  menu.style.setProperty("left", `${Math.max(8, Math.min(near.left, innerWidth - size.width - 8))}px`);
}

/** Arrow keys between elements of a row or column. */
export function moveFocus(event, elements, [before, after]) {
  const at = elements.indexOf(document.activeElement);
  const step = event.key === before ? -1 : event.key === after ? 1 : 0;
  if (!step || at < 0) return;
  event.preventDefault();
  elements[(at + step + elements.length) % elements.length].focus();
}

let toasts = null;

/** Says something for a few seconds; what was said `about` the same thing before gives way to it. */
export function tell(text, about = null) {
  toasts ??= find("#toasts");
  const shown = make("div", {className: "toast", "data-about": about}, text);
  if (about) [...toasts.children].find(one => one.dataset.about === about)?.remove();
  while (toasts.childElementCount > 2) toasts.firstChild.remove();
  toasts.append(shown);
  setTimeout(() => shown.remove(), Math.max(4000, text.length * 70));
}

// Staff count from 1001, patients from 2001: a thousand is a step of its own, lest the first of each look alike.
const hue = id => (id + 3 * Math.floor(id / 1000)) % 10;

/** A person's initials on a colour that is always theirs. */
export function avatar(name, id, className = "avatar") {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map(word => [...word][0] || "").join("");
  return make("span", {className: `${className} hue-${hue(id)}`, "aria-hidden": "true"}, letters.toUpperCase());
}

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
