// Telling: what is drawn, in words; the panel on the right; the search.

const escape = text => String(text).replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

// opShort is what stands in a bar.
function opShort(d, i) {
  const o = d.ops, kind = d.strings[o.kind[i]], n = o.count[i];
  if (kind === "append") return o.off[i] >= 0 ? "append → " + offsets(o.off[i], n) : "append " + d.strings[o.values[i]];
  if (kind === "read") return "read " + (n ? offsets(o.from[i], n) : o.from[i] + ": nothing");
  if (kind === "tail") return o.off[i] >= 0 ? "tail = " + o.off[i] : "tail";
  if (kind === "trim") return "trim before " + o.from[i];
  if (kind === "start") return o.off[i] >= 0 ? "log start = " + o.off[i] : "log start";
  if (kind === "commit" || kind === "fetch-offset") return kind + (o.off[i] >= 0 ? " " + o.off[i] : "");
  return kind;
}

// opTiny is what stands in a narrow bar.
function opTiny(d, i) {
  const o = d.ops, n = Math.max(1, o.count[i]);
  if (o.off[i] >= 0) return offsets(o.off[i], n);
  return d.strings[o.kind[i]] === "read" && o.count[i] ? offsets(o.from[i], n) : "";
}

const offsets = (from, n) => n > 1 ? from + ".." + (from + n - 1) : String(from);

function opText(d, i) {
  const o = d.ops, part = o.part[i] >= 0 ? " " + d.parts[o.part[i]] : "";
  return "client " + d.clients[o.client[i]] + ": " + opShort(d, i) + part + ", " + d.strings[o.outcome[i]] + (o.code[i] ? " code " + o.code[i] : "");
}

// tellItem is one line about what is under the pointer, and what the panel shows of it.
const tellItem = {
  op(d, i) {
    const o = d.ops, outcome = d.strings[o.outcome[i]];
    return {
      title: opText(d, i), from: o.call[i], to: o.ret[i], rows: [
        ["operation", o.id[i] ? "#" + o.id[i] : "not in the history"], ["client", d.clients[o.client[i]] + ", session " + o.session[i]],
        ["asked", o.broker[i] ? "broker " + o.broker[i] : ""], ["request", d.strings[o.request[i]]],
        ["partition", o.part[i] >= 0 ? d.parts[o.part[i]] : ""], ["outcome", outcome + (o.code[i] ? ", error code " + o.code[i] : "")],
        ["called", seconds(o.call[i])], [outcome === "ok" || outcome === "fail" ? "returned" : "given up", outcome === "running" ? "not when the run ended" : seconds(o.ret[i])], ["took", lasting(o.ret[i] - o.call[i])],
        ["from", d.strings[o.kind[i]] === "read" || d.strings[o.kind[i]] === "trim" ? o.from[i] : ""], ["offset", o.off[i] >= 0 ? offsets(o.off[i], Math.max(1, o.count[i])) : ""],
        ["records", o.count[i] || ""], ["counterexample", d.evidence.has(i) ? "operation " + d.evidence.get(i) + " of it" : ""],
      ], text: d.strings[o.values[i]],
    };
  },
  message(d, i) {
    const m = d.messages, lost = m.dropped[i] ? (m.arrives[i] === never ? ", dropped by the network" : ", dropped where it was to arrive") : "";
    return {
      title: m.from[i] + " → " + m.to[i] + ": " + d.strings[m.class[i]] + lost, from: m.at[i], to: Math.max(m.arrives[i], m.at[i]), rows: [
        ["sent", seconds(m.at[i])], ["arrives", m.arrives[i] === never ? "" : seconds(m.arrives[i])], ["takes", m.arrives[i] === never ? "" : lasting(m.arrives[i] - m.at[i])], ["size", m.bytes[i] + " bytes"],
      ], text: d.strings[m.text[i]],
    };
  },
  disk(d, i) {
    const w = d.disk;
    return {
      title: "broker " + w.broker[i] + ", shard " + d.strings[w.lane[i]] + ": " + d.strings[w.text[i]] + (w.fails[i] ? ", fails" : ""), from: w.at[i], to: w.until[i],
      rows: [["began", seconds(w.at[i])], ["took", lasting(w.until[i] - w.at[i])]], text: "",
    };
  },
  note(d, i) {
    const n = d.notes, who = n.broker[i] ? "broker " + n.broker[i] + ", " : "";
    return { title: who + d.strings[n.class[i]] + ": " + d.strings[n.text[i]], from: n.at[i], to: n.at[i], rows: [["at", seconds(n.at[i])]], text: "" };
  },
  band(d, i, b) {
    const who = b.broker ? "broker " + b.broker + ", " : "", what = b.part >= 0 ? d.parts[b.part] : b.kind;
    return {
      title: who + what + ": " + d.strings[b.text[i]], from: b.from[i], to: b.to[i],
      rows: [["state", d.strings[b.class[i]]], ["from", seconds(b.from[i])], ["until", seconds(b.to[i])], ["lasted", lasting(b.to[i] - b.from[i])]], text: "",
    };
  },
};

const table = rows => "<table>" + rows.filter(r => r[1] !== "").map(r => "<tr><th>" + escape(r[0]) + "</th><td>" + escape(r[1]) + "</td></tr>").join("") + "</table>";

// itemPanel shows one thing that was clicked.
function itemPanel(d, item) {
  const told = tellItem[item.kind](d, item.place, item.band);
  return "<h2>" + escape(told.title) + "</h2>" + table(told.rows) + (told.text ? "<pre>" + escape(told.text) + "</pre>" : "") +
    "<button class='go' data-from='" + told.from + "' data-to='" + told.to + "'>zoom to it</button>";
}

// instantPanel shows how everything stands at a time.
function instantPanel(d, t, part) {
  let html = "<h2>at " + seconds(t) + "</h2>";
  for (const id of d.brokers) {
    html += "<h3>broker " + id + "</h3>";
    const rows = [];
    for (const kind of ["process", "disk", "links"]) {
      const b = d.bandOf.get(kind + " " + id + " -1"), i = bandAt(b, t);
      if (i >= 0) rows.push([kind, d.strings[b.text[i]]]);
    }
    for (const p of partOrder(d)) {
      const b = d.bandOf.get("role " + id + " " + p), i = bandAt(b, t);
      if (i < 0 || part >= 0 && part !== p) continue;
      const at = d.progressOf.get(id + " " + p), k = latest(at.at, t), lag = behindAt(d, { progress: at, part: p }, t);
      rows.push([d.parts[p], d.strings[b.text[i]] + (k < 0 ? "" : ": commit " + at.commit[k] + ", on disk " + at.stable[k] + ", offsets " + at.start[k] + ".." + (at.logEnd[k] - 1) + ", high watermark " + at.high[k]) + (lag > 0 ? ", " + lag + " committed entries behind" : "")]);
    }
    html += table(rows);
  }
  const running = [];
  for (let i = 0; i < d.ops.id.length && d.ops.call[i] <= t; i++) if (d.ops.ret[i] >= t && (part < 0 || d.ops.part[i] === part)) running.push(i);
  if (running.length) html += "<h3>under way</h3>" + running.slice(0, 40).map(i => goOp(d, i)).join("");
  return html;
}

const goOp = (d, i, number) => "<button class='go' data-op='" + i + "'>" + (number ? number + ". " : "") + escape(opText(d, i)) + " <small>" +
  (d.ops.id[i] ? "#" + d.ops.id[i] + ", " : "") + seconds(d.ops.call[i]) + " + " + lasting(d.ops.ret[i] - d.ops.call[i]) + "</small></button>";

const swatch = (name, label, hatch) => "<div><span class='key' style='background:" + (hatch ? "repeating-linear-gradient(135deg,var(--" + name + ") 0 2px,transparent 2px 4px)" : "var(--" + name + ")") + "'></span>" + label + "</div>";

// runPanel shows the run as a whole: the violation, how to make it again, what the colours mean.
function runPanel(d) {
  let html = "<h2>" + escape(d.title) + "</h2>";
  for (const v of d.violations.slice(0, 20)) {
    html += "<h3 class='bad'>" + escape(v.name) + " at " + seconds(v.at) + "</h3><pre>" + escape(v.text) + "</pre>";
    v.ops.forEach((op, i) => { html += goOp(d, op, i + 1); });
  }
  html += table([["simulated", seconds(d.end, 1e9)], ["operations", d.ops.id.length], ["messages", d.messages.at.length], ["disk operations", d.disk.at.length], ["all items", d.items]]);
  if (d.command) html += "<h3>this page</h3><pre>" + escape(d.command) + "</pre>";
  if (d.replay) html += "<h3>a line per event</h3><pre>" + escape(d.replay) + "</pre>";
  if (d.options) html += "<h3>" + (d.options.startsWith("#") ? "the story" : "options") + "</h3><pre>" + escape(d.options) + "</pre>";
  if (d.brokers.length) {
    html += "<h3>replicas</h3><div class='keys'>" + swatch("leader", "leads") + swatch("follower", "follows") + swatch("electing", "knows no leader") + swatch("learner", "not a voter") + swatch("alarm", "lacks bytes", true) + swatch("behind", "behind (log scale)") + "</div>" +
      "<h3>processes</h3><div class='keys'>" + swatch("up", "runs") + swatch("crash", "crashed") + swatch("power", "power lost") + swatch("paused", "paused") + swatch("halted", "halted") + swatch("refused", "refuses to start") + "</div>" +
      "<h3>disks, links</h3><div class='keys'>" + swatch("rotten", "damaged; cut") + swatch("wiped", "wiped, restored") + swatch("full", "full; cut one way") + swatch("slow", "slow; clogged") + swatch("failing", "sync will fail") + swatch("stray", "write goes astray") + "</div>" +
      "<h3>messages</h3><div class='keys'>" + swatch("entries", "entries") + swatch("reply", "their replies") + swatch("vote", "votes") + swatch("ship", "snapshot, repair") + swatch("beat", "heartbeats") + swatch("talk", "control") + swatch("alarm", "dropped") + "</div>";
  }
  html += "<h3>operations</h3><div class='keys'>" + swatch("append", "append") + swatch("read", "read") + swatch("tail", "tail") + swatch("other", "other") + swatch("fail", "refused") + swatch("unknown", "unknown", true) + swatch("running", "not returned", true) + "</div>";
  return html + "<h3>keys</h3>" + table([["wheel, + −", "zoom (over the names: scroll)"], ["drag, ← →", "move; with shift further"], ["double click", "zoom in there"], ["↑ ↓", "scroll"], ["0, Home, End", "all, begin, end"],
    ["v", "the violation"], ["n, N", "next, previous hit or fault"], ["m, d", "messages, disk work"], ["/", "search: text, #7 an operation, @41 an offset"], ["click", "details; on nothing: all states then"], ["click a name", "fold that broker"], ["Esc", "this panel"]]);
}

// find returns what a search hits, by time.
function find(d, query, part) {
  const hits = [], o = d.ops, q = query.trim().toLowerCase();
  if (!q) return hits;
  const of = (kind, n, at, test) => { for (let i = 0; i < n; i++) if (test(i)) hits.push({ kind, place: i, at: at[i] }); };
  const wanted = i => part < 0 || o.part[i] === part;
  if (/^#\d+$/.test(q)) of("op", o.id.length, o.call, i => o.id[i] === +q.slice(1));
  else if (/^@\d+$/.test(q)) {
    const off = +q.slice(1);
    of("op", o.id.length, o.call, i => { const from = o.off[i] >= 0 ? o.off[i] : o.from[i]; return o.count[i] > 0 && wanted(i) && d.strings[o.outcome[i]] === "ok" && from <= off && off < from + o.count[i]; });
  } else {
    const has = d.strings.map(s => s.toLowerCase().includes(q));
    of("op", o.id.length, o.call, i => wanted(i) && (has[o.values[i]] || has[o.request[i]] || opText(d, i).toLowerCase().includes(q)));
    of("note", d.notes.at.length, d.notes.at, i => has[d.notes.text[i]] || has[d.notes.class[i]]);
    of("message", d.messages.at.length, d.messages.at, i => has[d.messages.text[i]]);
    of("disk", d.disk.at.length, d.disk.at, i => has[d.disk.text[i]]);
    for (const b of d.bands) for (let i = 0; i < b.from.length; i++) if (has[b.text[i]] && (part < 0 || b.part < 0 || b.part === part)) hits.push({ kind: "band", place: i, band: b, at: b.from[i] });
  }
  return hits.sort((a, b) => a.at - b.at);
}

// hitsPanel lists hits, around the one that is shown.
function hitsPanel(d, hits, at) {
  const from = Math.max(0, at - 20);
  return "<h2>" + hits.length + " found</h2>" + hits.slice(from, from + 60).map((h, i) => "<button class='go" + (from + i === at ? " on" : "") + "' data-hit='" + (from + i) + "'><small>" + seconds(h.at) + "</small> " +
    escape(tellItem[h.kind](d, h.place, h.band).title.slice(0, 160)) + "</button>").join("");
}
