// The conversation on the page: one entry a message, in order, with days between.

import { element, markdown } from "./markdown.js";

const TOGETHER_MS = 5 * 60_000; // messages of one author this close stand as one group

export class Log {
  #root;
  #say;
  #entries = new Map(); // by the sender's own id, or the server's
  #days = new Map();
  #clock;
  #calendar;

  constructor(root, say, language) {
    this.#root = root;
    this.#say = say;
    this.#clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
    this.#calendar = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
  }

  get isEmpty() {
    return this.#entries.size === 0;
  }

  // A message of ours that the server has not shown yet.
  addOwn({ id, text, files = [], at, isStored }) {
    const names = files.map(({ name }) => name);
    const message = { id: Infinity, author: "contact", text, files: names, at: new Date(at).toISOString(), edited: null };
    this.#put(`own:${id}`, message, isStored ? "sent" : "sending");
    this.#arrange();
  }

  setState(id, state, detail = "") {
    const entry = this.#entries.get(`own:${id}`);
    if (!entry) return;
    entry.state = state;
    entry.detail = detail;
    this.#drawMeta(entry);
  }

  // What the server tells. Answers the rows of these that are new and not ours.
  take(messages) {
    const fresh = [];
    for (const message of messages) {
      const mine = message.author === "contact" && message.message_id;
      const key = mine ? `own:${message.message_id}` : `id:${message.id}`;
      const isFresh = !mine && !this.#entries.has(key);
      this.#put(key, message, "");
      if (isFresh) fresh.push(this.#entries.get(key).row);
    }
    if (messages.length) this.#arrange();
    return fresh;
  }

  #put(key, message, state) {
    const entry = this.#entries.get(key) ?? this.#make(message.author);
    this.#entries.set(key, entry);
    const names = message.files ?? [];
    const text = message.text || (names.length ? "" : `[${this.#say.attachment}]`);
    const shown = JSON.stringify([text, names]);
    if (entry.shown !== shown) {
      entry.shown = shown;
      const content = message.author === "contact" ? text : markdown(text, this.#say.copy);
      entry.bubble.replaceChildren(...names.map((name) => this.#attached(name)), content);
      entry.choices.replaceChildren(...(message.buttons ?? []).map(button));
    }
    Object.assign(entry, { message, state, detail: "", at: new Date(message.at) });
    this.#drawMeta(entry);
  }

  #make(author) {
    const who = element("p", { class: "who" }, this.#say[author === "contact" ? "you" : author] ?? "");
    if (author === "contact") who.classList.add("unseen");
    const bubble = element("div", { class: "bubble", dir: "auto" });
    const choices = element("p", { class: "choices" });
    const meta = element("p", { class: "meta" });
    return { bubble, choices, meta, row: element("li", { class: `message ${author}` }, who, bubble, choices, meta) };
  }

  #attached(name) {
    const label = element("span", { class: "unseen" }, `${this.#say.attachment}: `);
    return element("span", { class: "attached" }, label, name);
  }

  #drawMeta(entry) {
    const { message, state, detail, at } = entry;
    const parts = [element("time", { datetime: message.at, title: at.toLocaleString() }, this.#clock.format(at))];
    if (message.edited) parts.push(element("span", {}, this.#say.edited));
    if (state) parts.push(element("span", { class: "progress" }, detail || this.#say[state]));
    entry.meta.replaceChildren(...parts);
    entry.row.dataset.state = state || "sent";
  }

  // Puts rows into their places and moves none that is there: a moved row would be read aloud again.
  #arrange() {
    const entries = [...this.#entries.values()].sort((one, other) => order(one, other));
    let place = this.#root.firstChild;
    const put = (row) => {
      if (row === place) place = place.nextSibling;
      else this.#root.insertBefore(row, place);
    };
    entries.forEach((entry, index) => {
      const [before, after] = [entries[index - 1], entries[index + 1]];
      if (!before || dayOf(before.at) !== dayOf(entry.at)) put(this.#day(entry.at));
      entry.row.classList.toggle("again", Boolean(before) && together(before, entry));
      entry.row.classList.toggle("goes-on", Boolean(after) && together(entry, after));
      entry.choices.hidden = Boolean(after) || !entry.choices.childElementCount; // what was said since has settled it
      put(entry.row);
    });
    while (place) {
      const stale = place;
      place = place.nextSibling;
      stale.remove();
    }
  }

  #day(at) {
    const day = dayOf(at);
    const row = this.#days.get(day) ?? element("li", { class: "day" });
    this.#days.set(day, row);
    const name = this.#dayName(at);
    if (row.textContent !== name) row.textContent = name;
    return row;
  }

  #dayName(at) {
    const now = Date.now();
    if (dayOf(at) === dayOf(new Date(now))) return this.#say.today;
    if (dayOf(at) === dayOf(new Date(now - 86_400_000))) return this.#say.yesterday;
    return this.#calendar.format(at);
  }
}

function button({ text, data }) {
  return element("button", { class: "button", type: "button", "data-says": data }, text);
}

function order(one, other) {
  if (one.message.id !== other.message.id) return one.message.id < other.message.id ? -1 : 1;
  return one.at - other.at;
}

function dayOf(at) {
  return at.toDateString();
}

function together(one, other) {
  const same = one.message.author === other.message.author && dayOf(one.at) === dayOf(other.at);
  return same && Math.abs(other.at - one.at) < TOGETHER_MS;
}
