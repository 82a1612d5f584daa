// The page of a conversation, live: what is new is drawn into it, and answers leave without a reload.

import { Draft } from "./drafts.js";
import { patch } from "./draw.js";
import { follow } from "./follow.js";
import { ask, Refused } from "./net.js";

const EVERY_MS = 2000;
const END_PX = 80; // so near to the end somebody reads the newest

export function openTalk(talk) {
  const { drafts } = talk.dataset;
  const page = { talk, answer: new Draft(drafts), note: new Draft(`${drafts}.note`), nudge: () => {} };
  for (const draft of [page.answer, page.note]) if (draft.kept && isThere(talk, draft.kept.token)) draft.drop();
  dressAnswer(page);
  dressNote(page);
  if (!talk.dataset.news) return;
  const loop = follow(EVERY_MS, () => addressOf(talk), (said) => hear(page, said));
  page.nudge = () => loop.nudge();
}

function addressOf({ dataset }) {
  const address = new URL(dataset.news, location.href);
  address.searchParams.set("mark", dataset.mark);
  return address;
}

function isThere(talk, token) {
  return [...talk.querySelectorAll("[data-token]")].some((said) => said.dataset.token === token);
}

// What came

function hear(page, { mark, talk: shown }) {
  if (!shown) return;
  const fresh = new DOMParser().parseFromString(shown, "text/html").body;
  const [list, news] = [page.talk.querySelector(".kh-timeline"), fresh.querySelector(".kh-timeline")];
  const follows = isAtEnd();
  if (!merge(list, news)) return location.reload();
  page.talk.dataset.mark = mark;
  const [head, newHead] = [page.talk.querySelector(".kh-head"), fresh.querySelector(".kh-head")];
  for (const [n, each] of head.querySelectorAll("details").entries()) newHead.querySelectorAll("details")[n]?.toggleAttribute("open", each.open);
  patch(head, newHead);
  const [form, other] = [page.talk.querySelector(".kh-reply"), fresh.querySelector(".kh-reply")];
  if (Boolean(form) !== Boolean(other)) {
    form?.remove();
    if (other) list.after(other);
    dressAnswer(page);
  }
  if (follows) document.getElementById("newest").scrollIntoView({ block: "end" });
}

// By their ids: what is here is brought up to date, what is new put in its place. False where too much came.
function merge(list, news) {
  const entries = [...news.children];
  const isNear = (entry) => document.getElementById(entry.id) || entry.id === "nothing";
  if (list.querySelector(".kh-said") && !entries.some((entry) => entry.matches(".kh-said") && isNear(entry))) return false;
  document.getElementById("nothing")?.remove();
  let next = null;
  for (const entry of entries.reverse()) {
    const old = document.getElementById(entry.id);
    if (!old) list.insertBefore(entry, next);
    else if (!entry.id.startsWith("event-")) patch(old, entry); // a fact does not change
    next = old ?? entry;
  }
  return true;
}

function isAtEnd() {
  return document.getElementById("newest").getBoundingClientRect().top < innerHeight + END_PX;
}

// What is written

function dressAnswer(page) {
  const { talk, answer } = page;
  const form = talk.querySelector(".kh-reply");
  const unsent = talk.querySelector(".kh-unsent");
  unsent.hidden = Boolean(form) || !answer.kept;
  unsent.querySelector(".kh-text").textContent = answer.kept?.text ?? "";
  unsent.querySelector("button").onclick = () => {
    answer.drop();
    unsent.hidden = true;
  };
  if (!form) return;
  dress(page, form, answer);
  offerCanned(form);
}

function dressNote(page) {
  const form = page.talk.querySelector(".kh-jot");
  if (!form) return;
  form.closest("details").open = Boolean(page.note.kept);
  dress(page, form, page.note);
}

function dress(page, form, draft) {
  const { text, token } = form.elements;
  if (draft.kept) [text.value, token.value] = [draft.kept.text, draft.kept.token];
  text.addEventListener("input", () => draft.keep(text.value, token.value));
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(page, form, draft);
  });
}

async function send({ talk, nudge }, form, draft) {
  const [button, refusal] = [form.querySelector("button:not([type=button])"), talk.querySelector(".kh-refusal")];
  if (button.disabled) return;
  button.disabled = true;
  refusal.hidden = true;
  const { text, token } = form.elements;
  const given = text.value;
  try {
    const said = await ask(form.action, new FormData(form));
    const since = text.value === given ? "" : text.value; // written while it was on its way
    form.reset();
    [text.value, token.value] = [since, said.token];
    draft.keep(since, said.token);
  } catch (error) {
    refusal.textContent = error instanceof Refused && error.status !== 401 ? error.message : form.dataset.failed;
    refusal.hidden = false;
  } finally {
    button.disabled = false;
  }
  nudge();
}

// Canned answers: found by their names, put where the cursor stands.
function offerCanned(form) {
  const picker = form.querySelector(".kh-canned");
  if (!picker) return;
  const { text } = form.elements;
  const place = (part = false) => {
    const wanted = picker.value.trim().toLowerCase();
    const all = [...picker.list.options];
    const found = all.find(({ value }) => value.toLowerCase() === wanted);
    const like = part && wanted ? all.filter(({ value }) => value.toLowerCase().includes(wanted)) : [];
    const chosen = found ?? (like.length === 1 ? like[0] : null);
    if (!chosen) return;
    picker.value = "";
    text.setRangeText(chosen.dataset.text, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input"));
    text.focus();
  };
  picker.addEventListener("change", () => place());
  picker.addEventListener("input", (event) => event.inputType === "insertReplacementText" && place()); // a click in the list
  picker.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    place(true);
  });
}
