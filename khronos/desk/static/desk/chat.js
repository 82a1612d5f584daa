// The chat page: what is written goes to the outbox, the outbox to the server, the server's news to the log.

import { Files } from "./files.js";
import { Log } from "./log.js";
import { ask, backoff, Loop, Refused } from "./net.js";
import { Outbox } from "./outbox.js";

const SOON_MS = 120;
const QUICK_MS = 350;
const STEADY_MS = 1000;
const CALM_MS = 3000;
const HIDDEN_MS = 15_000;
const QUICK_FOR_MS = 20_000; // an answer that takes longer is asked for less often
const STEADY_FOR_MS = 120_000;
const PATIENCE_MS = 25_000; // then the visitor is told that nothing is lost

const { messages: address, language, phrases, filesMax, filesBytes } = document.body.dataset;
const say = JSON.parse(phrases);
const part = (id) => document.getElementById(id);
const [form, box, send, scroller] = ["form", "text", "send", "scroller"].map(part);

const outbox = new Outbox();
const log = new Log(part("log"), say, language);
const files = new Files(
  { input: part("input"), list: part("files"), told: part("told"), pick: part("pick") },
  say,
  { count: Number(filesMax), bytes: Number(filesBytes) },
  () => fit(),
);
const title = document.title;

let cursor = "";
let isReady = false; // the server has given us a cookie
let isThinking = false;
let waitingSince = 0;
const failures = { poll: 0, send: 0 };
let unread = 0;
let followsEnd = true;

// The news

const poller = new Loop(async () => {
  try {
    const news = await ask(cursor ? `${address}?after=${encodeURIComponent(cursor)}` : address);
    if (failures.poll) mailer.nudge(); // the way is open again
    failures.poll = 0;
    hear(news);
    return news.more ? 0 : rest();
  } catch (error) {
    failures.poll += 1;
    if (error instanceof Refused && cursor) cursor = ""; // start over: what is here already is not shown twice
    return backoff(failures.poll, error.waitMs);
  } finally {
    showConnection();
  }
});

function hear(news) {
  const first = !isReady;
  cursor = news.next;
  isReady = true;
  const fresh = log.take(news.messages);
  news.messages.forEach((message) => outbox.drop(message.message_id));
  if (document.hidden) unread += fresh.length;
  setThinking(news.thinking);
  showWelcome();
  follow(first ? undefined : fresh[0]);
  if (first) {
    part("log").setAttribute("aria-busy", "false");
    mailer.nudge();
  }
}

function rest() {
  if (!isThinking) return document.hidden ? HIDDEN_MS : CALM_MS;
  const waited = Date.now() - waitingSince;
  if (document.hidden || waited > STEADY_FOR_MS) return CALM_MS;
  return waited < QUICK_FOR_MS ? QUICK_MS : STEADY_MS;
}

// The outbox

const mailer = new Loop(async () => {
  const [message] = outbox.waiting;
  if (!isReady || !message) return Infinity;
  log.setState(message.id, failures.send ? "unsent" : "sending");
  try {
    await ask(address, { id: message.id, text: message.text, files: message.files ?? [] });
    failures.send = 0;
    outbox.acknowledge(message);
    log.setState(message.id, "sent");
    setThinking(true);
    waitingSince = Date.now();
    setTimeout(() => poller.nudge(), SOON_MS);
    return 0;
  } catch (error) {
    return afterRefusal(message, error);
  } finally {
    showConnection();
  }
});

function afterRefusal(message, error) {
  if (error instanceof Refused && error.status !== 401) {
    failures.send = 0;
    outbox.drop(message.id);
    log.setState(message.id, "refused", error.status === 413 ? tooMuch(message) : `${say.refused}: ${error.message}`);
    return 0;
  }
  if (error instanceof Refused) {
    cursor = ""; // our cookie is gone: the next look brings another
    poller.nudge();
  }
  failures.send += 1;
  outbox.waiting.forEach(({ id }) => log.setState(id, "unsent"));
  return backoff(failures.send, error.waitMs);
}

function write(text, attached = []) {
  const message = outbox.add(text, attached);
  log.addOwn(message);
  showWelcome();
  follow(undefined, true);
  mailer.nudge();
}

function tooMuch({ files: sent }) {
  if (sent?.length) return say.too_large.replace("{limit}", Math.floor(filesBytes / 1024 ** 2));
  return say.too_long.replace("{limit}", box.maxLength);
}

// What the page shows

function setThinking(now) {
  if (now && !isThinking) waitingSince = Date.now();
  isThinking = now;
  part("thinking").hidden = !now;
  part("patience").hidden = !(now && Date.now() - waitingSince > PATIENCE_MS);
}

function showWelcome() {
  part("welcome").hidden = !log.isEmpty;
}

function showConnection() {
  const lost = failures.poll > 1 || failures.send > 0 || !navigator.onLine;
  const state = lost ? "lost" : isReady ? "connected" : "connecting";
  part("state").dataset.state = state;
  setText(part("state-text"), state === "lost" ? say.reconnecting : say[state]);
  setText(part("banner-text"), lost ? (navigator.onLine ? say.lost : say.offline) : "");
  part("banner").hidden = !lost;
}

// A live region that is written again is read aloud again.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// To the end, but not past the beginning of what is new and longer than the page.
function follow(news, always = false) {
  if (log.isEmpty) {
    scroller.scrollTop = 0;
  } else if (always || followsEnd) {
    const end = scroller.scrollHeight - scroller.clientHeight;
    scroller.scrollTop = news ? Math.min(end, news.offsetTop - scroller.offsetTop - 8) : end;
  } else if (news) {
    part("newest").hidden = false;
  }
  document.title = unread ? `(${unread}) ${title}` : title;
}

function fit() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
  send.disabled = files.isBusy || (files.isEmpty && !box.value.trim());
}

// On a phone the focus would bring up the keyboard, over half of the page.
function focusBox() {
  if (matchMedia("(hover: hover)").matches) box.focus();
}

function nudgeAll() {
  poller.nudge();
  mailer.nudge();
}

// What the visitor does

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = box.value.trim();
  if (files.isBusy || (files.isEmpty && !text)) return;
  write(text, files.take());
  box.value = outbox.draft = "";
  fit();
  box.focus();
});

box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

box.addEventListener("input", () => {
  outbox.draft = box.value;
  fit();
});

box.addEventListener("paste", ({ clipboardData }) => {
  if (clipboardData.files.length) files.add([...clipboardData.files]);
});

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault(); // else the browser leaves the page for the file
  files.add([...event.dataTransfer.files]);
});

window.addEventListener("beforeunload", (event) => {
  if (outbox.isAtRisk || !files.isEmpty) event.preventDefault();
});

document.addEventListener("click", async ({ target }) => {
  if (target.matches("[data-example]")) {
    write(target.textContent);
    focusBox();
  } else if (target.matches("[data-says]")) {
    write(target.dataset.says);
    focusBox();
  } else if (target.matches("[data-copy]")) {
    await navigator.clipboard.writeText(target.closest(".code").querySelector("pre").textContent);
    target.textContent = say.copied;
    setTimeout(() => (target.textContent = say.copy), 1500);
  }
});

scroller.addEventListener("scroll", () => {
  followsEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  if (followsEnd) part("newest").hidden = true;
});

new ResizeObserver(() => follow()).observe(scroller);
part("newest").addEventListener("click", () => follow(undefined, true));
part("retry").addEventListener("click", nudgeAll);
window.addEventListener("online", nudgeAll);
window.addEventListener("offline", showConnection);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  follow();
  nudgeAll();
});

box.value = outbox.draft;
fit();
focusBox();
outbox.all.forEach((message) => log.addOwn(message));
showConnection();
poller.run();
mailer.run();
