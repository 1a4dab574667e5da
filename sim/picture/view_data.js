// The data of the run: unpacked, in typed arrays, with what is needed to find things by time.

const never = -1;

async function unpack() {
  const text = atob(document.getElementById("data").textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(plain).text());
}

// whole puts an empty list where there is nothing.
function whole(table) {
  for (const name of Object.keys(table)) table[name] ??= [];
  return table;
}

// typed turns columns of numbers into typed arrays: times need 53 bits.
function typed(table, ...wide) {
  for (const [name, column] of Object.entries(table)) {
    if (!Array.isArray(column)) continue;
    table[name] = wide.includes(name) ? Float64Array.from(column) : Int32Array.from(column);
  }
  return table;
}

// first is the first place in a rising array whose value is at least t.
function first(array, t, lo = 0, hi = array.length) {
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (array[mid] < t) lo = mid + 1; else hi = mid;
  }
  return lo;
}

// latest is the last place whose value is at most t, -1 if there is none.
function latest(array, t) {
  let i = first(array, t);
  if (i < array.length && array[i] === t) {
    while (i + 1 < array.length && array[i + 1] === t) i++;
    return i;
  }
  return i - 1;
}

// groups lists places by key, each in the order of the table.
function groups(n, keyOf) {
  const all = new Map();
  for (let i = 0; i < n; i++) {
    const key = keyOf(i);
    let list = all.get(key);
    if (!list) all.set(key, list = []);
    list.push(i);
  }
  for (const [key, list] of all) all.set(key, Int32Array.from(list));
  return all;
}

// pick is a column at some places.
function pick(column, places) {
  const out = new column.constructor(places.length);
  for (let i = 0; i < places.length; i++) out[i] = column[places[i]];
  return out;
}

// prepare turns what was unpacked into what is drawn.
function prepare(d) {
  d.end = Math.max(d.end, 1);
  for (const table of [d, d.ops, d.messages, d.disk, d.notes, ...d.bands ?? []]) whole(table);
  typed(d.ops, "id", "session", "call", "ret", "from", "off");
  typed(d.messages, "at", "arrives");
  typed(d.disk, "at", "until");
  typed(d.notes, "at");
  for (const b of d.bands) typed(b, "from", "to");
  for (const p of d.progress) typed(p, "at", "term", "commit", "stable", "start", "high", "logEnd");
  d.opRows = groups(d.ops.id.length, i => d.ops.client[i] * 4096 + d.ops.row[i]);
  d.diskRows = groups(d.disk.at.length, i => d.disk.broker[i] + " " + d.strings[d.disk.lane[i]]);
  d.bandOf = new Map(d.bands.map(b => [b.kind + " " + b.broker + " " + b.part, b]));
  d.progressOf = new Map(d.progress.map(p => [p.broker + " " + p.part, p]));
  d.committed = d.parts.map((_, part) => committed(d.progress.filter(p => p.part === part)));
  d.flight = 0;
  for (let i = 0; i < d.messages.at.length; i++) d.flight = Math.max(d.flight, d.messages.arrives[i] - d.messages.at[i]);
  d.evidence = new Map();
  for (const v of d.violations) v.ops.forEach((op, i) => { if (!d.evidence.has(op)) d.evidence.set(op, i + 1); });
  d.accused = new Set([...d.evidence.keys()].map(op => d.ops.client[op]));
  const ranks = { ok: 0, fail: 1, unknown: 2, running: 3 };
  d.ops.rank = Uint8Array.from(d.ops.outcome, (o, i) => d.evidence.has(i) ? 9 : ranks[d.strings[o]] ?? 0);
  const common = /^(MsgHeartbeat|MsgHeartbeatResp|MsgAppResp|control|empty)$/;
  d.messages.rare = Uint8Array.from(d.messages.class, c => common.test(d.strings[c]) ? 0 : d.strings[c] === "MsgApp" ? 1 : 2);
  d.items = d.ops.id.length + d.messages.at.length + d.disk.at.length + d.notes.at.length +
    d.bands.reduce((n, b) => n + b.from.length, 0) + d.progress.reduce((n, p) => n + p.at.length, 0);
  return d;
}

// committed is the highest commit index that any replica of a partition knew, by time.
function committed(replicas) {
  const at = [], commit = [], next = replicas.map(() => 0);
  for (;;) {
    let best = -1;
    replicas.forEach((p, i) => { if (next[i] < p.at.length && (best < 0 || p.at[next[i]] < replicas[best].at[next[best]])) best = i; });
    if (best < 0) break;
    const p = replicas[best], i = next[best]++;
    if (commit.length && p.commit[i] <= commit[commit.length - 1]) continue;
    at.push(p.at[i]);
    commit.push(p.commit[i]);
  }
  return { at: Float64Array.from(at), commit: Float64Array.from(commit) };
}

// bandAt is the interval of a band at a time, -1 if there is none.
function bandAt(b, t) {
  if (!b) return -1;
  const i = latest(b.from, t);
  return i >= 0 && t <= b.to[i] ? i : -1;
}

// seconds is a time for people, with as many digits as a span of that length needs.
function seconds(ns, span = 0) {
  const digits = span === 0 ? 6 : Math.max(0, Math.min(9, Math.ceil(-Math.log10(span / 1e9)) + 3));
  return (ns / 1e9).toFixed(digits) + " s";
}

function lasting(ns) {
  if (ns >= 1e9) return (ns / 1e9).toFixed(3) + " s";
  if (ns >= 1e6) return (ns / 1e6).toFixed(2) + " ms";
  return (ns / 1e3).toFixed(1) + " µs";
}
