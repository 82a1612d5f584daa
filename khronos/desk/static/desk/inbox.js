// The inbox of people: its list tells what came, its pages show it; what is written is not lost.

import { openTalk } from "./conversation.js";
import { follow } from "./follow.js";

const LIST_MS = 4000;
const KEYS = { j: 1, k: -1 };

function followList(section) {
  const [counts, more] = [section.querySelector(".kh-counts"), section.querySelector("[role=status] a")];
  const title = document.title;
  let [people, mine] = section.dataset.newest.split(" ");
  follow(LIST_MS, () => section.dataset.counts, (said) => {
    counts.innerHTML = said.counts;
    if (said.newest[0] > people || said.newest[1] > mine) {
      more.hidden = false;
      document.title = `• ${title}`;
    }
    [people, mine] = said.newest;
  });
}

// From row to row without a mouse; Enter opens, as on any link.
function walk(event) {
  const step = KEYS[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const links = [...document.querySelectorAll("#result_list tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
}

const section = document.querySelector("[data-counts]");
if (section) {
  followList(section);
  document.addEventListener("keydown", walk);
}
const talk = document.querySelector("[data-drafts]");
if (talk) openTalk(talk);
