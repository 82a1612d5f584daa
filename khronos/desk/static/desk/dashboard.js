// The operator's live page: asks every two seconds, draws what changed, and says when it knows nothing.

import { CARDS } from "./cards.js";
import { element, note, patch, setText } from "./draw.js";
import { ask, Loop, Refused } from "./net.js";
import { about, list, number, say } from "./words.js";

const EVERY_MS = 2000;
const LOST_MS = 5000; // without news; then nothing on the page is shown as if it were true
const OLD_S = 5; // a part that the server itself could not ask anew

const part = (id) => document.getElementById(id);
const { source } = document.body.dataset;

let newsAt = performance.now(); // or when it was first hoped for
let isTold = false; // since this page is looked at
let isSignedOut = false;

const poller = new Loop(async () => {
  if (document.hidden) return Infinity;
  try {
    hear(await ask(source));
  } catch (error) {
    isSignedOut = error instanceof Refused && error.status === 401;
  }
  showContact();
  return EVERY_MS;
});

function hear(said) {
  isTold = true;
  newsAt = performance.now();
  isSignedOut = false;
  showVerdict(said);
  patch(part("cards"), cards(said.parts));
  const machine = said.parts.machine.data;
  if (machine) setText(part("about"), say("version", { version: machine.version, time: about(machine.uptime_s) }));
}

// Is it well?

function showVerdict({ findings, parts }) {
  const [worst, ...others] = findings;
  const isEmpty = !worst && parts.work.data?.is_empty;
  part("verdict").dataset.tone = worst?.tone ?? "success";
  setText(part("sentence"), worst ? sentence(worst) : say(isEmpty ? "is.empty" : "is.well"));
  part("first-step").hidden = !isEmpty;
  setText(part("first-step").firstChild, say("is.open_chat"));
  const rows = element("ul", {}, ...others.map((each) => element("li", { class: each.tone }, sentence(each))));
  patch(part("others"), rows);
}

function sentence({ code, args }) {
  const names = (args.names ?? []).map((name) => (code.startsWith("checks") ? say(`check.${name}`, {}, name) : name));
  return say(`is.${code}`, { names: list(names), n: number(args.n ?? 0), time: about(args.seconds ?? 0) });
}

// The cards

function cards(parts) {
  const root = element("div", {});
  for (const [name, question, draw] of CARDS) if (parts[question]) root.append(card(name, parts[question], draw, parts));
  return root;
}

function card(name, answer, draw, parts) {
  const isOld = !answer.ok || answer.age_s === null;
  const body = answer.data === null ? [note(say("unknown", { error: answer.error }))] : draw(answer.data, parts);
  const age = isOld && answer.data !== null && answer.age_s > OLD_S ? [element("p", { class: "age" }, say("old", { time: about(answer.age_s) }))] : [];
  return element(
    "section",
    { class: isOld ? "card old" : "card", "data-card": name, "aria-labelledby": `card-${name}` },
    element("h2", { id: `card-${name}` }, say(name)),
    ...age,
    ...body,
  );
}

// Are we still told the truth?

function showContact() {
  const silentMs = performance.now() - newsAt;
  const state = isSignedOut ? "signed-out" : silentMs > LOST_MS ? "lost" : isTold ? "live" : "looking";
  document.body.dataset.contact = state;
  setText(part("contact-text"), say(`contact.${state}`));
  const lost = part("lost");
  lost.hidden = state === "live" || state === "looking";
  if (state === "signed-out") patch(lost, element("p", {}, `${say("signed_out")} `, element("a", { href: `/admin/login/?next=${location.pathname}` }, say("sign_in"))));
  else if (state === "lost") patch(lost, element("p", {}, say("lost", { time: about(silentMs / 1000) })));
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  isTold = false;
  newsAt = performance.now(); // nobody looked meanwhile
  showContact();
  poller.nudge();
});
setInterval(showContact, 1000);
poller.run();
