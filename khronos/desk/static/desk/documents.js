// Documents in the admin: a bar while a file goes up, and what becomes of each without a reload.

const EVERY_MS = 1500;
const OPEN = "[data-document][data-open]";

function bar(file) {
  const box = document.createElement("div");
  box.className = "kh-upload";
  box.setAttribute("role", "status");
  box.innerHTML = '<span></span><progress class="kh-bar" max="100" value="0"></progress>';
  file.closest("fieldset").after(box);
  return (words, share) => {
    box.firstChild.textContent = share < 1 ? `${words} ${Math.floor(share * 100)} %` : words;
    const line = box.lastChild;
    if (share < 1) line.value = share * 100;
    else line.removeAttribute("value");
  };
}

function send(form, file, submitter) {
  const tell = bar(file);
  const request = new XMLHttpRequest();
  request.upload.onprogress = (event) => tell(file.dataset.sending, event.loaded / (event.total || 1));
  request.upload.onload = () => tell(file.dataset.keeping, 1);
  request.onerror = () => tell(file.dataset.failed, 1);
  request.onload = () => {
    const next = request.getResponseHeader("X-Next");
    if (next) location.assign(next);
    else again(form, request.responseText);
  };
  tell(file.dataset.sending, 0);
  request.open("POST", form.action);
  request.setRequestHeader("X-Next", "tell"); // a redirect would be followed, and the message of its page lost
  request.send(new FormData(form, submitter));
}

function again(form, text) {
  // The same form, with what is wrong.
  const page = new DOMParser().parseFromString(text, "text/html");
  const other = page.querySelector("input[type=file][data-sending]")?.form;
  if (!other) return location.reload();
  form.replaceWith(other);
  listen();
}

function listen() {
  const file = document.querySelector("input[type=file][data-sending]");
  file?.form.addEventListener("submit", (event) => {
    if (!file.files.length) return;
    event.preventDefault();
    send(file.form, file, event.submitter);
  });
}

async function look() {
  const cells = [...document.querySelectorAll(OPEN)];
  if (!cells.length) return;
  const address = new URL(cells[0].dataset.open, location.href);
  for (const cell of cells) address.searchParams.append("id", cell.dataset.document);
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const found = await answer.json();
      for (const cell of cells) {
        const { standing, pieces } = found[cell.dataset.document] ?? {};
        if (standing) cell.outerHTML = standing;
        const count = document.querySelector(`[data-pieces="${cell.dataset.document}"]`);
        if (count && standing) count.textContent = pieces;
      }
    }
  } catch {
    // the server is away: asked again
  }
  setTimeout(look, EVERY_MS);
}

document.addEventListener("DOMContentLoaded", () => {
  listen();
  setTimeout(look, EVERY_MS);
});
