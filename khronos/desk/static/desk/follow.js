// Keeps a page of the admin true: asks again and again, and says when it hears nothing.

import { element } from "./markdown.js";
import { ask, backoff, Loop, Refused } from "./net.js";

const LOST_MS = 8000; // without an answer

// `address` names what is asked, `hear` is given each answer. While nobody looks, nothing is asked.
export function follow(everyMs, address, hear) {
  const bar = document.querySelector(".kh-lost");
  let heardAt = performance.now();
  let failures = 0;
  let isSignedOut = false;

  function show() {
    const isLost = !isSignedOut && performance.now() - heardAt > LOST_MS + everyMs && !document.hidden;
    const { lost, signedOut, signIn, signInText } = bar.dataset;
    const state = isSignedOut ? "signed-out" : isLost ? "lost" : "";
    if (bar.dataset.state === state) return;
    bar.dataset.state = state;
    bar.hidden = !state;
    if (isSignedOut) bar.replaceChildren(`${signedOut} `, element("a", { class: "kh-link", href: signIn }, signInText));
    else if (isLost) bar.replaceChildren(lost);
  }

  const loop = new Loop(async () => {
    if (document.hidden) return Infinity;
    let rest = everyMs;
    try {
      hear(await ask(address()));
      heardAt = performance.now();
      failures = 0;
      isSignedOut = false;
    } catch (error) {
      isSignedOut = error instanceof Refused && error.status === 401;
      rest = everyMs + backoff((failures += 1), error.waitMs);
    }
    show();
    return rest;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    heardAt = performance.now(); // nobody looked meanwhile
    loop.nudge();
  });
  setInterval(show, 1000);
  loop.run();
  return loop;
}
