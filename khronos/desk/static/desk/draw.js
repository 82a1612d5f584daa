// Drawing without flicker: what is on the page already is changed only where it differs.

import { element } from "./markdown.js";

export { element };

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [240, 48];

// Makes the children of `old` like those of `fresh`; the focus and what was read aloud stay.
export function patch(old, fresh) {
  const [olds, news] = [[...old.childNodes], [...fresh.childNodes]];
  news.forEach((node, index) => {
    const before = olds[index];
    if (!before) old.append(node);
    else if (before.nodeName !== node.nodeName) before.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) setText(before, node.data);
    else {
      dress(before, node);
      patch(before, node);
    }
  });
  olds.slice(news.length).forEach((node) => node.remove());
}

function dress(old, fresh) {
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
}

// A live region that is written again is read aloud again.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Lines over the same minutes, with one scale; `label` says in words what they show.
export function sparkline(series, label) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", label);
  picture.setAttribute("class", "spark");
  const most = Math.max(1, ...Object.values(series).flat());
  for (const [name, values] of Object.entries(series)) {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("class", name);
    line.setAttribute("points", values.map((value, index) => point(value / most, index / Math.max(1, values.length - 1))).join(" "));
    picture.append(line);
  }
  return picture;
}

function point(high, along) {
  return `${(along * WIDTH).toFixed(1)},${(HEIGHT - 2 - high * (HEIGHT - 4)).toFixed(1)}`;
}

export function link(url, text) {
  return element("a", { href: url }, text);
}

export function badge(text, tone) {
  return element("span", { class: `badge ${tone}` }, text);
}

// Names and values, in two columns. A value is a text or a node.
export function facts(rows) {
  const list = element("dl", {});
  for (const [name, value] of rows) list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  return list;
}

export function note(text) {
  return element("p", { class: "faint" }, text);
}

export function big(text) {
  return element("p", { class: "big" }, text);
}
