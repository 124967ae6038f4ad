// What this page holds of each chat, put together from what the server tells.

const TOLD = 200;  // so many messages of a chat are shown at most

export class Memory {
  #chats = new Map();

  /** The number that tells the server what this page has of a chat. */
  held(id) {
    return this.#chats.get(id)?.held ?? -1;
  }

  get(id) {
    return this.#chats.get(id);
  }

  clear() {
    this.#chats.clear();
  }

  /** Takes what was told of one chat. */
  take(id, told) {
    const before = this.#chats.get(id);
    const {messages, earlier} = told.whole || !before ? told : merged(before, told);
    this.#chats.set(id, {...told, messages, earlier});
  }
}

function merged(before, told) {
  let messages = before.messages;
  if (told.messages.length || told.gone.length) {
    const all = new Map(messages.map(message => [message.id, message]));
    for (const id of told.gone) all.delete(id);
    for (const message of told.messages) all.set(message.id, message);
    messages = [...all.values()].sort((a, b) => a.id - b.id);
  }
  const over = Math.max(0, messages.length - TOLD);
  return {messages: over ? messages.slice(over) : messages, earlier: Math.max(told.earlier, before.earlier + over)};
}
