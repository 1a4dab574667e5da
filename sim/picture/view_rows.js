// The rows: what stands in which line, and what it says at an instant.

const gutter = 236; // pixels of names on the left
const ruler = 24;   // pixels of the time axis above the rows

// layout lists the rows that are wanted, from top to bottom.
function layout(d, want) {
  const rows = [];
  const add = (row) => rows.push({ h: 14, gap: 2, ...row });
  const noteRow = (name, label, pick) => {
    const places = [];
    for (let i = 0; i < d.notes.at.length; i++) if (pick(d.strings[d.notes.class[i]], d.notes.broker[i])) places.push(i);
    if (places.length) add({ kind: "notes", name, label, places: Int32Array.from(places), at: pickTimes(d.notes.at, places), texts: true, head: true });
  };
  if (d.bandOf.has("phase 0 -1")) add({ kind: "band", name: "phase", label: "phase", band: d.bandOf.get("phase 0 -1"), words: true, head: true });
  noteRow("story", "story", c => c === "story" || c === "answer");
  noteRow("faults", "faults", c => c === "fault" || c === "remark");
  for (const id of d.brokers) brokerRows(d, want, id, add);
  clientRows(d, want, add);
  let y = 4;
  for (const row of rows) {
    if (row.lane) y += 7;
    row.y = y;
    y += row.h + row.gap;
  }
  rows.height = y + 10;
  return rows;
}

function pickTimes(at, places) {
  const out = new Float64Array(places.length);
  places.forEach((p, i) => { out[i] = at[p]; });
  return out;
}

function brokerRows(d, want, id, add) {
  const lane = "broker " + id, closed = want.closed.has(lane);
  add({ kind: "band", name: "process", label: lane, band: d.bandOf.get("process " + id + " -1"), broker: id, lane, head: true, words: true, h: 16 });
  if (closed) return;
  for (const [kind, label] of [["disk", "disk"], ["links", "links"]]) {
    const band = d.bandOf.get(kind + " " + id + " -1");
    if (band) add({ kind: "band", name: kind, label, band, broker: id, words: true, h: 11, gap: 1 });
  }
  const said = [];
  for (let i = 0; i < d.notes.at.length; i++) {
    if (d.notes.broker[i] === id && !/^(fault|remark|story|answer)$/.test(d.strings[d.notes.class[i]])) said.push(i);
  }
  if (said.length) add({ kind: "notes", name: "said", label: "log", places: Int32Array.from(said), at: pickTimes(d.notes.at, said), broker: id, h: 10, gap: 1 });
  for (const part of partOrder(d)) {
    if (want.part >= 0 && want.part !== part) continue;
    const band = d.bandOf.get("role " + id + " " + part);
    if (band) add({ kind: "role", name: "role", label: shortPart(d.parts[part]), band, progress: d.progressOf.get(id + " " + part), broker: id, part });
  }
  if (!want.disk) return;
  for (const [key, places] of d.diskRows) {
    const [broker, ...rest] = key.split(" ");
    if (+broker === id) add({ kind: "disk", name: "work", label: "shard " + rest.join(" "), places, from: pick(d.disk.at, places), to: pick(d.disk.until, places), broker: id, h: 10, gap: 1 });
  }
}

function clientRows(d, want, add) {
  let none = true;
  for (const client of clientOrder(d)) {
    const accused = d.accused.has(client);
    for (let r = 0, head = true; ; r++) {
      let places = d.opRows.get(client * 4096 + r);
      if (!places) break;
      if (want.part >= 0) places = places.filter(i => d.ops.part[i] === want.part);
      if (!places.length) continue;
      add({ kind: "ops", name: "ops", label: head ? "client " + d.clients[client] : "", places, from: pick(d.ops.call, places), to: pick(d.ops.ret, places), client, accused, lane: none ? "clients" : "", head, h: 12, gap: 1 });
      head = none = false;
    }
  }
}

// clientOrder puts those of a counterexample first, and then goes by number.
function clientOrder(d) {
  return d.clients.map((_, client) => client).sort((a, b) => d.accused.has(b) - d.accused.has(a) || d.clients[a] - d.clients[b]);
}

// shortPart leaves of a topic's id, of one that comes and goes, what tells its lives apart.
const shortPart = name => name.replace(/@(.{6}).{8,}\//, "@$1…/");

// partOrder puts the cluster's metadata first, and then goes by name.
function partOrder(d) {
  const first = p => d.parts[p] === "metadata" ? 0 : 1;
  return d.parts.map((_, p) => p).sort((a, b) => first(a) - first(b) || d.parts[a].localeCompare(d.parts[b], "en", { numeric: true }));
}

// stateOf is what a row's name says besides at a time.
function stateOf(d, row, t) {
  if (row.kind === "band") {
    const i = bandAt(row.band, t);
    return i < 0 ? "" : d.strings[row.band.text[i]];
  }
  if (row.kind !== "role" || bandAt(row.band, t) < 0 || !row.progress) return "";
  const p = row.progress, i = latest(p.at, t);
  return i < 0 ? "" : "T" + p.term[i] + " c" + p.commit[i] + " s" + p.stable[i] + " hw" + p.high[i];
}

// behindAt is how many entries that were committed somewhere a replica has not on its disk.
function behindAt(d, row, t) {
  const p = row.progress, g = d.committed[row.part];
  const i = p ? latest(p.at, t) : -1, k = latest(g.at, t);
  return i < 0 || k < 0 ? 0 : Math.max(0, g.commit[k] - p.stable[i]);
}
