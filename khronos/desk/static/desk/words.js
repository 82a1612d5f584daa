// The page's phrases with numbers in them, as the viewer's language writes them.

const { phrases, language } = document.body.dataset;
const said = JSON.parse(phrases);
const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const names = new Intl.ListFormat(language, { type: "conjunction" });

const SIZES = ["B", "kB", "MB", "GB", "TB"];

export function say(key, filled = {}, otherwise = key) {
  return (said[key] ?? otherwise).replace(/\{(\w+)\}/g, (whole, name) => filled[name] ?? whole);
}

export function number(value) {
  return plain.format(value);
}

export function decimal(value) {
  return fine.format(value);
}

export function share(value) {
  return percent.format(value);
}

export function money(value) {
  return new Intl.NumberFormat(language, { style: "currency", currency: "USD", maximumFractionDigits: value < 1 ? 4 : 2 }).format(value);
}

export function list(values) {
  return names.format(values);
}

// A length of time in one unit, as short as can be read at a glance.
export function time(seconds) {
  if (seconds < 1) return say("ms", { n: plain.format(seconds * 1000) });
  if (seconds < 10) return say("s", { n: fine.format(seconds) });
  return about(seconds);
}

// The same without fractions: what is written again every second must not dance.
export function about(seconds) {
  if (seconds < 60) return say("s", { n: plain.format(seconds) });
  if (seconds < 7200) return say("min", { n: plain.format(Math.floor(seconds / 60)) });
  if (seconds < 172_800) return say("h", { n: plain.format(Math.floor(seconds / 3600)) });
  return say("d", { n: plain.format(Math.floor(seconds / 86_400)) });
}

export function size(bytes) {
  const step = bytes > 0 ? Math.min(Math.floor(Math.log10(bytes) / 3), SIZES.length - 1) : 0;
  return `${fine.format(bytes / 1000 ** step)} ${SIZES[step]}`;
}

export function megabytes(value) {
  return `${plain.format(value)} MB`;
}
