// What each card shows of what the server knows: one function a card.

import { badge, big, element, facts, link, note, sparkline } from "./draw.js";
import { about, decimal, megabytes, money, number, say, share, size, time } from "./words.js";

const TONES = { off: "plain", good: "success", bad: "danger", running: "success", failed: "danger", frozen: "danger", closed: "success", open: "danger", error: "danger", critical: "danger", info: "info" };

// A card: its name, the question that it shows, and how.
export const CARDS = [
  ["waiting", "work", waiting],
  ["hour", "hour", hour],
  ["usage", "usage", usage],
  ["alerts", "work", alerts],
  ["processes", "machine", processes],
  ["checks", "checks", checks],
  ["queues", "stores", queues],
  ["breakers", "stores", breakers],
  ["limits", "stores", limits],
  ["machine", "machine", machine],
  ["pools", "machine", pools],
  ["caches", "machine", caches],
];

function waiting({ waiting: now }) {
  const total = now.updates + now.turns + now.deliveries;
  const parts = ["updates", "turns", "working", "parked", "deliveries"].filter((name) => now[name]);
  return [
    big(link(now.url, number(total))),
    total ? facts([[say("oldest"), time(now.oldest_s ?? 0)], ...parts.map((name) => [say(name), number(now[name])])]) : note(say("nothing_waits")),
  ];
}

function hour(now) {
  const [received, answered] = [now.received, now.answered].map((minutes) => minutes.reduce((sum, each) => sum + each, 0));
  const most = { received: number(Math.max(0, ...now.received)), answered: number(Math.max(0, ...now.answered)) };
  const speed = answered
    ? [[say("p50"), time(now.p50_ms / 1000)], [say("p95"), time(now.p95_ms / 1000)]]
    : [];
  return [
    facts([
      [say("received"), element("b", { class: "received", id: "received" }, number(received))],
      [say("answered"), element("b", { class: "answered", id: "answered" }, number(answered))],
    ]),
    sparkline({ received: now.received, answered: now.answered }, say("spark", most)),
    answered ? facts(speed) : note(say("no_answers")),
    ...(now.minutes < 60 ? [note(say("last_minutes", { n: now.minutes }))] : []),
  ];
}

function usage({ models, cost }) {
  if (!models.length) return [note(say("no_usage"))];
  const rows = models.map((each) => [
    element("span", {}, each.model, element("small", {}, ` ${say("calls", { n: number(each.calls) })}`)),
    element("span", {}, money(Number(each.cost)), element("small", {}, each.is_priced ? tokens(each) : say("price_unknown"))),
  ]);
  return [...(cost == null ? [] : [big(money(Number(cost)))]), facts(rows)];
}

function tokens(each) {
  return say("tokens", { input: number(each.input_tokens), output: number(each.output_tokens) });
}

function alerts({ alerts: open, dead_letters: dead, quarantined, paused }) {
  const shown = open.shown.map((alert) =>
    element("li", {}, badge(say(`level.${alert.level}`), TONES[alert.level] ?? "warning"), " ", link(alert.url, alert.text), element("small", {}, times(alert))),
  );
  const held = paused.shown.map((pause) => element("li", {}, link(pause.url, pause.name), element("small", {}, `${say("by", { who: pause.by })} · ${about(pause.age_s)}`)));
  return [
    shown.length ? element("ul", { class: "rows" }, ...shown) : note(say("no_alerts")),
    facts([
      [link(dead.url, say("dead_letters")), counted(dead.count, "danger")],
      [link(quarantined.url, say("quarantined")), counted(quarantined.count, "danger")],
      [link(paused.url, say("paused")), counted(paused.count, "warning")],
    ]),
    ...(held.length ? [element("ul", { class: "rows" }, ...held)] : []),
    element("p", {}, link(open.url, say("all_alerts"))),
  ];
}

function times({ count, age_s: age }) {
  return count > 1 ? ` ${about(age)} · ${say("times", { n: number(count) })}` : ` ${about(age)}`;
}

function counted(count, tone) {
  return count ? badge(number(count), tone) : number(0);
}

function processes({ processes: rows, limit_mb: limit }, parts) {
  if (!rows.length) return [note(say("no_processes")), facts(Object.entries(parts.stores.data?.alive ?? {}).map(([role, count]) => [role, number(count)]))];
  const head = element("tr", {}, ...["process", "state", "up", "memory", "restarts"].map((name) => element("th", { scope: "col" }, say(name))));
  return [element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map((row) => process(row, limit))))];
}

function process(row, limit) {
  const meter = element("meter", { min: 0, max: limit, value: row.rss_mb, high: 0.9 * limit, "aria-label": say("memory") });
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, row.name),
    element("td", {}, badge(say(`state.${row.state}`), TONES[row.state] ?? "warning")),
    element("td", {}, row.pid ? about(row.uptime_s) : "–"),
    element("td", {}, ...(row.pid ? [element("span", {}, megabytes(row.rss_mb)), meter] : ["–"])),
    element("td", {}, row.restarts ? badge(number(row.restarts), "warning") : number(0)),
  );
}

function inWords(check) {
  return check.told?.[document.documentElement.lang] ?? check.detail;
}

// What is asked just now, and below it what somebody looks at once in a while.
function checks(found, parts) {
  const now = Object.entries(found).map(([name, check]) => [name, inWords(check), check.ok ? "good" : "bad"]);
  const seldom = Object.entries(parts.work.data?.checks ?? {}).filter(([name]) => !(name in found));
  const rows = [...now, ...seldom.map(([name, check]) => [name, inWords(check), check.state])];
  return [facts(rows.map(([name, detail, state]) => [element("span", {}, say(`check.${name}`, {}, name), element("small", {}, detail)), badge(say(`state.${state}`), TONES[state] ?? "warning")]))];
}

function queues({ queues: lengths, bus }) {
  const rows = Object.entries(lengths).map(([name, length]) => [name, number(length)]);
  return [facts([...rows, [say("bus"), number(bus)]])];
}

function breakers({ breakers: all }) {
  return [
    facts(
      all.map((each) => {
        const calls = each.calls ? say("failures", { failures: number(each.failures), calls: number(each.calls) }) : "";
        const detail = each.probe_in_s === null ? calls : say("again_in", { time: about(each.probe_in_s) });
        return [element("span", {}, each.name, element("small", {}, detail)), badge(say(`state.${each.state}`), TONES[each.state] ?? "warning")];
      }),
    ),
  ];
}

function limits({ limits: all }) {
  if (!all.length) return [note(say("no_limits"))];
  return [
    facts(
      all.map((each) => {
        const used = each.limit === null ? number(each.used) : say("of", { used: number(each.used), limit: number(each.learned ?? each.limit) });
        const detail = each.paused_s ? say("again_in", { time: about(each.paused_s) }) : each.waiting ? say("in_line", { n: number(each.waiting) }) : "";
        return [element("span", {}, each.name, element("small", {}, detail)), used];
      }),
    ),
  ];
}

function machine({ machine: here, disk_free_mb: disk }, parts) {
  const [sizes, stores] = [parts.sizes?.data, parts.stores?.data];
  return [
    facts([
      [say("free_memory"), say("of", { used: size(here.available_mb * 2 ** 20), limit: size(here.total_mb * 2 ** 20) })],
      [say("free_disk"), size(disk * 2 ** 20)],
      [say("load"), say("cores", { load: decimal(here.load), n: here.cores })],
      [say("database_size"), sizes ? size(sizes.database_bytes) : "–"],
      [say("valkey_size"), stores ? size(stores.memory_bytes) : "–"],
      [say("backup"), sizes?.backup_age_s == null ? say("no_backup") : about(sizes.backup_age_s)],
    ]),
  ];
}

function pools({ pools: all }) {
  return [facts(Object.entries(all).map(([name, pool]) => [name, say("of", { used: number(pool.in_use), limit: number(pool.most) })]))];
}

function caches({ caches: all }) {
  if (!Object.keys(all).length) return [note(say("no_caches"))];
  return [
    facts(
      Object.entries(all).map(([name, cache]) => {
        const found = cache.hits_local + cache.hits_shared;
        return [name, say("hits", { share: share(found / Math.max(1, found + cache.misses)), entries: number(cache.entries) })];
      }),
    ),
  ];
}
