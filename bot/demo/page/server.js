// Everything that is asked of the demo's server.

import {tell} from "./dom.js";

const RETRY = 700;  // milliseconds until a server that does not answer is asked again
const UNREACHABLE = "The demo is not running.";

/** Does something; says what is wrong if it was refused. Answers what the server said, or null. */
export async function act(name, body = {}) {
  const answer = await ask(name, body);
  if (answer.ok) return answer;
  tell(answer.error);
  return null;
}

/** The same, for whoever shows the refusal itself. */
export async function ask(name, body = {}) {
  try {
    const response = await fetch(`/demo/${name}`, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    });
    const told = await response.json();
    return response.ok && told.ok ? told : {ok: false, error: told.error || "That did not work."};
  } catch {
    return {ok: false, error: UNREACHABLE};
  }
}

export async function timeline(person) {
  return get(`/demo/timeline?${new URLSearchParams({person})}`);
}

export async function planned(id) {
  return get(`/demo/timeline/${id}`);
}

export const fileAddress = file => `/demo/file/${encodeURIComponent(file.id)}`;

async function get(address, signal) {
  const response = await fetch(address, {signal});
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

/** Waits for news again and again. `chats()` names the chats on the screen with what is held of each. */
export class Listener {
  #chats;
  #heard;
  #lost;
  #since = -1;
  #waiting = null;
  #held = null;

  constructor({chats, heard, lost}) {
    this.#chats = chats;
    this.#heard = heard;
    this.#lost = lost;
  }

  /** Asks anew and at once, as other chats are on the screen. */
  again() {
    this.#since = -1;
    this.#waiting?.abort();
  }

  /** Asks nothing more until this is done. */
  hold(until) {
    this.#held = until;
    this.again();
  }

  async run() {
    for (;;) {
      const told = await this.#ask();
      try {
        if (told) this.#heard(told);
      } catch (error) {
        console.error(error);  // one thing that cannot be shown must not stop the rest
      }
    }
  }

  /** What is new; null if the waiting was cut short, or nobody answers. */
  async #ask() {
    await this.#held;
    this.#waiting = new AbortController();
    const {signal} = this.#waiting;
    try {
      const told = await get(`/demo/state?${new URLSearchParams({since: this.#since, chats: this.#chats()})}`, signal);
      if (signal.aborted) return null;
      this.#since = told.number;
      return told;
    } catch {
      if (signal.aborted) return null;
      this.#since = -1;
      this.#lost();
      await new Promise(done => setTimeout(done, RETRY));
      return null;
    }
  }
}
