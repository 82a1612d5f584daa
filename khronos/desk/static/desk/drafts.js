// What an operator has written and the server does not have yet. It stays in this browser, with the token
// under which it is sent: what was sent after all is found on the page by it.

export class Draft {
  #key;

  constructor(key) {
    this.#key = key;
  }

  get kept() {
    try {
      const { text, token } = JSON.parse(localStorage.getItem(this.#key)) ?? {};
      return typeof text === "string" && typeof token === "string" ? { text, token } : null;
    } catch {
      return null; // storage is forbidden, or it is not ours
    }
  }

  keep(text, token) {
    try {
      if (text.trim()) localStorage.setItem(this.#key, JSON.stringify({ text, token }));
      else localStorage.removeItem(this.#key);
    } catch {
      // storage is forbidden or full: it lasts as long as the page
    }
  }

  drop() {
    this.keep("", "");
  }
}
