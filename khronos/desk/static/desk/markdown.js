// Markdown to nodes. Text only ever becomes text nodes, so nothing in it can become markup or script.

const SPAN = new RegExp(
  [
    "\\\\([\\\\`*_~[\\]()#+\\-.!>|{}])", // 1: an escaped sign
    "(`{1,3})([^\\n]{1,1000}?)\\2(?!`)", // 2, 3: code
    "\\[([^\\]\\n]{1,500})\\]\\(([^\\s()]{1,1500}(?:\\([^\\s()]{0,200}\\)[^\\s()]{0,500})?)\\)", // 4, 5: a link
    "(https?://[^\\s<>\"'`]{1,1500})", // 6: a bare address
    "\\*\\*(?=\\S)([^]{0,1000}?\\S)\\*\\*", // 7: bold
    "__(?=\\S)([^]{0,1000}?\\S)__(?!\\w)", // 8: bold
    "([*_])(?=\\S)([^]{0,1000}?[^\\s*_])\\9(?![\\w*])", // 9, 10: italic
    "~~(?=\\S)([^]{1,1000}?)~~", // 11: struck out
  ].join("|"),
  "g",
);
const ITEM = /^(\s*)([-*+•]|\d{1,9}[.)])\s+(.*)$/;
const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const SAFE_LINK = /^(https?:\/\/|mailto:)/i;
const DEEPEST = 6;

export function markdown(text, copyLabel = "") {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  return blocks(lines, 0, copyLabel);
}

function blocks(lines, depth, copyLabel) {
  const whole = document.createDocumentFragment();
  let at = 0;
  const take = (belongs) => {
    const from = at;
    while (at < lines.length && belongs(lines[at])) at += 1;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    if (!line.trim()) at += 1;
    else if (fence) {
      at += 1;
      const end = new RegExp(`^\\s*${fence[1][0]}{${fence[1].length},}\\s*$`);
      whole.append(codeBlock(take((each) => !end.test(each)).join("\n"), fence[2], copyLabel));
      at += 1;
    } else if (RULE.test(line)) {
      at += 1;
      whole.append(document.createElement("hr"));
    } else if (HEADING.test(line)) {
      at += 1;
      whole.append(element("p", { class: "heading" }, spans(HEADING.exec(line)[1], 0)));
    } else if (QUOTE.test(line) && depth < DEEPEST) {
      const inner = take((each) => QUOTE.test(each)).map((each) => QUOTE.exec(each)[1]);
      whole.append(element("blockquote", {}, blocks(inner, depth + 1, copyLabel)));
    } else if (/^\s*\|.*\|\s*$/.test(line)) {
      whole.append(scrollable(take((each) => /^\s*\|/.test(each)).join("\n")));
    } else if (ITEM.test(line) && depth < DEEPEST) {
      const end = listEnd(lines, at);
      whole.append(list(lines.slice(at, end), depth, copyLabel));
      at = end;
    } else {
      at += 1;
      const paragraph = [line, ...take((each) => !startsBlock(each))];
      whole.append(element("p", {}, spans(paragraph.join("\n"), 0)));
    }
  }
  return whole;
}

function startsBlock(line) {
  return !line.trim() || [FENCE, RULE, HEADING, QUOTE, ITEM].some((kind) => kind.test(line));
}

// A list goes on over what is indented, and over a blank line that more of it follows.
function listEnd(lines, from) {
  const isOrdered = ordered(lines[from]);
  let end = from;
  for (let at = from; at < lines.length; at += 1) {
    const item = ITEM.exec(lines[at]);
    const isIndented = /^\s{2,}\S/.test(lines[at]);
    if (item && !isIndented && ordered(lines[at]) !== isOrdered) break;
    if (item || isIndented) end = at + 1;
    else if (lines[at].trim()) break;
  }
  return end;
}

function list(lines, depth, copyLabel) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const made = document.createElement(ordered(lines[0]) ? "ol" : "ul");
  if (ordered(lines[0]) && parseInt(mark, 10) !== 1) made.start = parseInt(mark, 10);
  let item = [];
  const close = () => item.length && made.append(element("li", {}, blocks(item, depth + 1, copyLabel)));
  for (const line of lines) {
    const begins = ITEM.exec(line);
    if (begins && begins[1].length <= indent.length + 1) {
      close();
      item = [begins[3]];
    } else {
      item.push(dedent(line, indent.length + mark.length + 1));
    }
  }
  close();
  return made;
}

function ordered(line) {
  return /^\s*\d/.test(line);
}

function dedent(line, most) {
  return line.slice(Math.min(most, line.length - line.trimStart().length));
}

function spans(text, depth) {
  const whole = document.createDocumentFragment();
  const finder = new RegExp(SPAN.source, "g");
  let plainFrom = 0;
  for (let found = finder.exec(text); found; found = finder.exec(text)) {
    const made = depth < DEEPEST && !insideWord(found, text) ? span(found, finder, depth) : null;
    if (made === null) {
      finder.lastIndex = found.index + 1;
      continue;
    }
    plain(whole, text.slice(plainFrom, found.index));
    whole.append(made);
    plainFrom = finder.lastIndex;
  }
  plain(whole, text.slice(plainFrom));
  return whole;
}

// snake_case and 2*3*4 are no emphasis
function insideWord(found, text) {
  return Boolean(found[8] || found[9]) && /\w/.test(text[found.index - 1] ?? "");
}

function span(found, finder, depth) {
  const [, escaped, , code, label, target, bare, bold, alsoBold, , italic, struck] = found;
  if (escaped) return escaped;
  if (code) return element("code", {}, code.length > 2 ? code.replace(/^ (.*) $/, "$1") : code);
  if (label) return SAFE_LINK.test(target) ? link(target, spans(label, depth + 1)) : null;
  if (bare) {
    const address = bare.replace(/[.,;:!?*_)\]]+$/, "");
    finder.lastIndex = found.index + address.length;
    return link(address, address);
  }
  if (bold || alsoBold) return element("strong", {}, spans(bold || alsoBold, depth + 1));
  if (italic) return element("em", {}, spans(italic, depth + 1));
  return element("s", {}, spans(struck, depth + 1));
}

function link(address, content) {
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, content);
}

function plain(parent, text) {
  text.split("\n").forEach((line, index) => {
    if (index) parent.append(document.createElement("br"));
    if (line) parent.append(line);
  });
}

function codeBlock(text, language, copyLabel) {
  const head = element("div", { class: "code-head" }, element("span", {}, language || ""));
  if (copyLabel && navigator.clipboard) head.append(element("button", { type: "button", "data-copy": "" }, copyLabel));
  return element("div", { class: "code" }, head, scrollable(text));
}

// Reachable by keyboard, so that a long line can be scrolled to its end.
function scrollable(text) {
  return element("pre", { tabindex: "0" }, element("code", {}, text));
}

export function element(name, attributes, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}
