// What was written and not yet acknowledged. One storage key a message: tabs do not overwrite one another.

const MESSAGE = "khronos.chat.out.";
const DRAFT = "khronos.chat.draft";

export class Outbox {
  #memory = new Map(); // where there is no storage, or it is full, it lasts as long as the page

  constructor() {
    for (const [key, value] of stored()) {
      if (key.startsWith(MESSAGE)) this.#remember(value);
    }
  }

  get waiting() {
    return [...this.#memory.values()].sort((one, other) => one.at - other.at);
  }

  add(text) {
    const message = { id: newId(), text, at: Date.now() };
    this.#memory.set(message.id, message);
    attempt(() => localStorage.setItem(MESSAGE + message.id, JSON.stringify(message)));
    return message;
  }

  drop(id) {
    this.#memory.delete(id);
    attempt(() => localStorage.removeItem(MESSAGE + id));
  }

  get draft() {
    return attempt(() => localStorage.getItem(DRAFT)) ?? "";
  }

  set draft(text) {
    attempt(() => (text ? localStorage.setItem(DRAFT, text) : localStorage.removeItem(DRAFT)));
  }

  #remember(value) {
    const message = attempt(() => JSON.parse(value));
    if (typeof message?.id === "string" && typeof message.text === "string") this.#memory.set(message.id, message);
  }
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is for secure pages only
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function stored() {
  return attempt(() => Object.entries(localStorage)) ?? [];
}

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined; // storage is forbidden or full
  }
}
