// What was written and has not come back in the conversation. One storage key a message: tabs do not
// overwrite one another.

const MESSAGE = "khronos.chat.out.";
const DRAFT = "khronos.chat.draft";
const KEPT_MS = 86_400_000; // an acknowledged message that never comes back is forgotten after a day

export class Outbox {
  #memory = new Map(); // where there is no storage, or it is full, it lasts as long as the page

  constructor() {
    for (const [key, value] of stored()) {
      if (key.startsWith(MESSAGE)) this.#remember(value);
    }
  }

  get all() {
    return [...this.#memory.values()].sort((one, other) => one.at - other.at);
  }

  get waiting() {
    return this.all.filter((message) => !message.isStored);
  }

  add(text, files = []) {
    return this.#keep({ id: newId(), text, files, at: Date.now(), isStored: false });
  }

  // The server has it: it need not be sent again, only shown until the conversation shows it.
  acknowledge(message) {
    const files = message.files?.map(({ name }) => ({ name }));
    this.#keep({ ...message, files, isStored: true });
  }

  drop(id) {
    this.#memory.delete(id);
    attempt(() => localStorage.removeItem(MESSAGE + id));
  }

  // Files may be more than the storage holds: then they last no longer than the page.
  get isAtRisk() {
    return this.waiting.some(({ id, files }) => files?.length && !attempt(() => localStorage.getItem(MESSAGE + id)));
  }

  get draft() {
    return attempt(() => localStorage.getItem(DRAFT)) ?? "";
  }

  set draft(text) {
    attempt(() => (text ? localStorage.setItem(DRAFT, text) : localStorage.removeItem(DRAFT)));
  }

  #keep(message) {
    this.#memory.set(message.id, message);
    attempt(() => localStorage.setItem(MESSAGE + message.id, JSON.stringify(message)));
    return message;
  }

  #remember(value) {
    const message = attempt(() => JSON.parse(value));
    if (typeof message?.id !== "string" || typeof message.text !== "string") return;
    this.#memory.set(message.id, message);
    if (message.isStored && Date.now() - message.at > KEPT_MS) this.drop(message.id);
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
