// Talking to the server: what it refused, what can be tried again, and how long to wait before.

const PATIENCE_MS = 10_000;
const SLOW_LINE = 32; // characters a millisecond: who sends files is waited for so much longer
const TRY_AGAIN = [408, 425, 429];
const FIRST_WAIT_MS = 700;
const LONGEST_WAIT_MS = 15_000;

export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export class Trouble extends Error {
  constructor(reason, waitMs = 0) {
    super(reason);
    this.waitMs = waitMs; // as the server asked
  }
}

export async function ask(url, body) {
  const given = { credentials: "same-origin", cache: "no-store", headers: { Accept: "application/json" } };
  if (body !== undefined) {
    given.method = "POST";
    given.body = body;
    if (!(body instanceof FormData)) {
      given.headers["Content-Type"] = "application/json";
      given.body = JSON.stringify(body);
    }
  }
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS + (given.body?.length ?? 0) / SLOW_LINE);
  try {
    return await read(await fetch(url, { ...given, signal: stop.signal }));
  } catch (error) {
    throw error instanceof Refused || error instanceof Trouble ? error : new Trouble(String(error));
  } finally {
    clearTimeout(timer);
  }
}

async function read(response) {
  if (response.redirected) throw new Refused(401, "Signed out"); // the way to the sign-in page
  if (response.ok) return response.json();
  const waitMs = 1000 * (parseInt(response.headers.get("Retry-After") ?? "0", 10) || 0);
  if (response.status >= 500 || TRY_AGAIN.includes(response.status)) throw new Trouble(response.statusText, waitMs);
  const reason = await response.json().then((said) => said.error, () => response.statusText);
  throw new Refused(response.status, reason);
}

// Longer after every failure, and never in step with all the other pages.
export function backoff(failures, askedMs = 0) {
  const wait = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
  return Math.max(wait * (0.75 + Math.random() / 2), Math.min(askedMs, LONGEST_WAIT_MS));
}

// Does a piece of work again and again; the work answers how long to rest, a nudge ends the rest.
export class Loop {
  #work;
  #nudged = false;
  #wake = () => {};

  constructor(work) {
    this.#work = work;
  }

  nudge() {
    this.#nudged = true;
    this.#wake();
  }

  async run() {
    for (;;) {
      this.#nudged = false;
      const rest = await this.#work();
      if (!this.#nudged) await this.#sleep(rest);
    }
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? 0 : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
