// Drawing: only what is in sight, and of what falls into one pixel only the highest in rank.

const paint = {}; // colours by name, of the theme that is on
const classColor = {
  "hurt-leader": "leader", "hurt-follower": "follower", "hurt-electing": "electing",
  "said-debug": "said", "said-info": "said", "said-warn": "warn", "said-error": "error",
};
const messageColor = {
  MsgVote: "vote", MsgVoteResp: "vote", MsgPreVote: "vote", MsgPreVoteResp: "vote", MsgTimeoutNow: "vote", MsgApp: "entries", MsgAppResp: "reply",
  MsgHeartbeat: "beat", MsgHeartbeatResp: "beat", MsgSnap: "ship", range: "ship", mend: "ship", entry: "ship", position: "talk", control: "talk",
};
const rank = {
  up: 0, follower: 0, new: 0, scrub: 0, "said-info": 1, "said-debug": 0, remark: 1, answer: 1, leader: 1, learner: 2, electing: 3, repair: 3, elected: 3, "hurt-follower": 4, "hurt-leader": 4, "hurt-electing": 4,
  "said-warn": 4, fault: 4, story: 4, paused: 4, crash: 5, "said-error": 5, power: 6, halted: 7, refused: 8,
};

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["back", "front", "faint", "line", "lane", "chosen", "alarm", "focus", "behind"]) paint[name] = style.getPropertyValue("--" + name).trim();
  paint.of = new Map();
  paint.style = style;
  paint.hatch = new Map();
}

function colorOf(name) {
  let c = paint.of.get(name);
  if (!c) {
    c = paint.style.getPropertyValue("--" + (classColor[name] || name)).trim() || paint.faint;
    paint.of.set(name, c);
  }
  return c;
}

// hatched is a pattern of stripes over nothing.
function hatched(ctx, color) {
  let pattern = paint.hatch.get(color);
  if (!pattern) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const c = tile.getContext("2d");
    c.strokeStyle = color;
    c.lineWidth = 2;
    c.beginPath();
    for (const x of [-3, 3, 9]) { c.moveTo(x, 7); c.lineTo(x + 8, -1); }
    c.stroke();
    pattern = ctx.createPattern(tile, "repeat");
    paint.hatch.set(color, pattern);
  }
  return pattern;
}

// spans visits intervals in sight as pixels: those under a pixel wide are merged, and the highest in rank stays.
function spans(from, to, v, rankOf, draw) {
  let at = -1, best = -1, top = -1;
  const flush = () => { if (best >= 0) draw(best, at, at + 1); best = -1; top = -1; };
  const end = first(from, v.t1 + 1);
  for (let i = Math.max(0, latest(from, v.t0)); i < end; i++) {
    if (to[i] < v.t0) continue;
    const x0 = v.x(from[i]), x1 = v.x(to[i]);
    if (x1 - x0 >= 1.5) {
      flush();
      draw(i, Math.max(x0, gutter - 2), Math.min(x1, v.width + 2));
      continue;
    }
    const px = Math.floor(x0), r = rankOf(i);
    if (px !== at) { flush(); at = px; }
    if (r > top) { best = i; top = r; }
  }
  flush();
}

function drawRows(ctx, d, rows, v) {
  ctx.setTransform(v.dpr, 0, 0, v.dpr, 0, 0);
  ctx.clearRect(0, 0, v.width, v.height);
  ctx.fillStyle = paint.back;
  ctx.fillRect(0, 0, v.width, v.height);
  ctx.font = "11px system-ui, sans-serif";
  ctx.textBaseline = "middle";
  drawGrid(ctx, v);
  ctx.save();
  ctx.beginPath();
  ctx.rect(gutter, ruler, v.width - gutter, v.height - ruler);
  ctx.clip();
  for (const row of rows) {
    const y = ruler + row.y - v.scroll;
    if (y + row.h < ruler || y > v.height) continue;
    if (row.kind !== "notes") { ctx.fillStyle = paint.lane; ctx.fillRect(gutter, y, v.width - gutter, row.h); }
    drawRow[row.kind](ctx, d, row, y, v);
  }
  v.drawn = v.messages ? drawMessages(ctx, d, rows, v) : null;
  drawViolations(ctx, d, rows, v);
  ctx.restore();
}

function drawGrid(ctx, v) {
  const steps = [1, 2, 5], target = (v.t1 - v.t0) / Math.max(2, (v.width - gutter) / 110);
  let step = Math.pow(10, Math.floor(Math.log10(target)));
  step *= steps.find(s => s * step >= target) || 10;
  ctx.strokeStyle = paint.line;
  ctx.fillStyle = paint.faint;
  ctx.lineWidth = 1;
  for (let t = Math.ceil(v.t0 / step) * step; t <= v.t1; t += step) {
    const x = Math.round(v.x(t)) + .5;
    ctx.beginPath(); ctx.moveTo(x, ruler - 5); ctx.lineTo(x, v.height); ctx.stroke();
    ctx.fillText(seconds(t, step * 50), x + 3, ruler / 2);
  }
}

const drawRow = {
  band(ctx, d, row, y, v) {
    const b = row.band;
    if (!b) return;
    spans(b.from, b.to, v, i => rank[d.strings[b.class[i]]] ?? 4, (i, x0, x1) => {
      const name = d.strings[b.class[i]];
      ctx.fillStyle = colorOf(name);
      ctx.fillRect(x0, y, x1 - x0, row.h);
      if (name === "paused") { ctx.fillStyle = hatched(ctx, paint.back); ctx.fillRect(x0, y, x1 - x0, row.h); }
      if (row.words) words(ctx, d.strings[b.text[i]], x0, x1, y + row.h / 2, inkOn(name));
    });
  },

  role(ctx, d, row, y, v) {
    const b = row.band, said = [];
    spans(b.from, b.to, v, i => rank[d.strings[b.class[i]]] ?? 2, (i, x0, x1) => {
      const name = d.strings[b.class[i]];
      ctx.fillStyle = colorOf(name);
      ctx.fillRect(x0, y, x1 - x0, row.h);
      if (name.startsWith("hurt")) { ctx.fillStyle = hatched(ctx, paint.alarm); ctx.fillRect(x0, y, x1 - x0, row.h); }
      said.push([d.strings[b.text[i]], x0, x1, y + row.h / 2, inkOn(name), name.startsWith("hurt")]);
    });
    drawBehind(ctx, d, row, y, v);
    for (const s of said) words(ctx, ...s);
  },

  notes(ctx, d, row, y, v) {
    const n = d.notes, end = first(row.at, v.t1 + 1);
    let free = -1, at = -1;
    const marks = [];
    for (let i = first(row.at, v.t0); i < end; i++) {
      const x = Math.floor(v.x(row.at[i])), place = row.places[i], r = rank[d.strings[n.class[place]]] ?? 1;
      if (x === at && marks.length) { if (r > marks[marks.length - 1].r) Object.assign(marks[marks.length - 1], { place, r }); continue; }
      at = x;
      marks.push({ x, place, r });
    }
    marks.forEach((m, i) => {
      const name = d.strings[n.class[m.place]], next = i + 1 < marks.length ? marks[i + 1].x : v.width;
      ctx.fillStyle = colorOf(name);
      ctx.fillRect(m.x, y, name === "scrub" ? 1 : 2, row.h);
      if (row.texts && m.x >= free && next - m.x > 26) { words(ctx, d.strings[n.text[m.place]], m.x + 1, next - 2, y + row.h / 2, colorOf(name)); free = m.x; }
    });
  },

  ops(ctx, d, row, y, v) {
    const rankOf = i => d.ops.rank[row.places[i]];
    spans(row.from, row.to, v, rankOf, (i, x0, x1) => {
      const place = row.places[i];
      drawBar(ctx, d, place, x0, Math.max(x1, x0 + (rankOf(i) > 0 ? 2 : 1)), y, row.h);
    });
  },

  disk(ctx, d, row, y, v) {
    const w = d.disk;
    spans(row.from, row.to, v, i => w.fails[row.places[i]], (i, x0, x1) => {
      ctx.fillStyle = w.fails[row.places[i]] ? paint.alarm : colorOf("other");
      ctx.fillRect(x0, y, Math.max(1, x1 - x0 - (x1 - x0 > 3 ? 1 : 0)), row.h);
      words(ctx, d.strings[w.text[row.places[i]]], x0, x1, y + row.h / 2, paint.back);
    });
  },
};

const opColor = kind => ({ append: "append", read: "read", tail: "tail" })[kind] || "other";

function drawBar(ctx, d, place, x0, x1, y, h) {
  const o = d.ops, color = colorOf(opColor(d.strings[o.kind[place]])), w = x1 - x0, outcome = d.strings[o.outcome[place]];
  switch (outcome) {
    case "ok":
      ctx.fillStyle = color;
      ctx.fillRect(x0, y, w, h);
      break;
    case "fail":
      ctx.fillStyle = colorOf("fail");
      if (w < 4) { ctx.fillRect(x0, y, w, h); break; }
      ctx.globalAlpha = .35; ctx.fillRect(x0, y, w, h); ctx.globalAlpha = 1;
      ctx.strokeStyle = color; ctx.strokeRect(x0 + .5, y + .5, w - 1, h - 1);
      break;
    default:
      ctx.fillStyle = w < 4 ? colorOf("unknown") : hatched(ctx, colorOf(outcome === "running" ? "running" : "unknown"));
      ctx.fillRect(x0, y, w, h);
      if (w >= 4) { ctx.strokeStyle = color; ctx.strokeRect(x0 + .5, y + .5, w - 1, h - 1); }
  }
  if (w > 24) words(ctx, w > 110 ? opShort(d, place) : opTiny(d, place), x0, x1, y + h / 2, outcome === "ok" ? "#ffffff" : paint.front, outcome !== "ok");
}

const letter = 6.4; // pixels of a letter, about

// words writes as much of a text as there is room for, at the left end of what is in sight.
function words(ctx, text, x0, x1, y, ink, plate) {
  const left = Math.max(x0, gutter) + 3, room = x1 - left - 2;
  if (room < 16) return;
  const fits = Math.floor(room / letter);
  let line = text.split("\n", 1)[0];
  if (line.length > fits) line = fits < 4 ? "" : line.slice(0, fits - 1) + "…";
  if (!line) return;
  if (plate) { ctx.fillStyle = paint.back; ctx.fillRect(left - 2, y - 5, Math.min(room, ctx.measureText(line).width + 4), 10); }
  ctx.fillStyle = ink;
  ctx.fillText(line, left, y + .5);
}

const inkOn = name => /^(leader|hurt-leader|power|halted|refused|rotten|cut|wiped|stray|failing)$/.test(name) ? (name === "power" ? paint.back : "#ffffff") :
  /^(slow|full|one-way|clogged|electing|hurt-electing)$/.test(name) ? "#1b1f24" : paint.front;

// drawBehind shows at the bottom of a replica's row how far its disk is behind what was committed: the height grows with the logarithm.
function drawBehind(ctx, d, row, y, v) {
  if (!row.progress || !row.progress.at.length) return;
  const g = d.committed[row.part], p = row.progress, span = v.t1 - v.t0, b = row.band;
  ctx.fillStyle = paint.behind;
  let i = latest(p.at, v.t0), k = latest(g.at, v.t0), j = Math.max(0, latest(b.from, v.t0));
  for (let x = gutter; x < v.width; x++) {
    const until = v.t0 + (x - gutter + 1) / (v.width - gutter) * span;
    let most = 0;
    for (;;) {
      if (i >= 0 && k >= 0) most = Math.max(most, g.commit[k] - p.stable[i]);
      const a = i + 1 < p.at.length ? p.at[i + 1] : Infinity, c = k + 1 < g.at.length ? g.at[k + 1] : Infinity;
      if (Math.min(a, c) > until) break;
      if (a <= c) i++; else k++;
    }
    while (j + 1 < b.from.length && b.from[j + 1] <= until) j++;
    if (most < 2 || !b.from.length || b.from[j] > until || b.to[j] < until) continue;
    const h = Math.min(row.h / 2, 1 + Math.log2(most));
    ctx.fillRect(x, y + row.h - h, 1, h);
  }
}

// brokerY is the middle of a broker's process row.
function brokerY(rows, v) {
  const y = new Map();
  for (const row of rows) if (row.name === "process") y.set(row.broker, ruler + row.y + row.h / 2 - v.scroll);
  return y;
}

const mostMessages = 4000;

// drawMessages draws the envelopes in sight, as lines from where they were sent to where they arrived. Of too many, only the rare ones.
function drawMessages(ctx, d, rows, v) {
  const m = d.messages, y = brokerY(rows, v), end = first(m.at, v.t1 + 1), seen = [];
  for (let i = first(m.at, v.t0 - d.flight); i < end; i++) {
    if (Math.max(m.arrives[i], m.at[i]) >= v.t0 && v.wanted(i)) seen.push(i);
  }
  let drawn = seen;
  for (let least = 1; drawn.length > mostMessages; least++) drawn = least > 2 ? [] : drawn.filter(i => m.rare[i] >= least);
  ctx.globalAlpha = drawn.length > 1200 ? .45 : .9;
  const styles = new Map(); // all lines of one look are one path
  for (const i of drawn) {
    const key = m.dropped[i] ? "dropped" : messageColor[d.strings[m.class[i]]] || "talk";
    if (styles.has(key)) styles.get(key).push(i); else styles.set(key, [i]);
  }
  for (const [key, places] of styles) drawLines(ctx, d, key, places, y, v);
  if (v.chosen && v.chosen.kind === "message") { ctx.lineWidth = 3; drawLines(ctx, d, "focus", [v.chosen.place], y, v); }
  ctx.globalAlpha = ctx.lineWidth = 1;
  if (drawn.length < seen.length) {
    const text = seen.length + " messages in sight, the " + drawn.length + " rarest are drawn: zoom in for all";
    ctx.fillStyle = paint.chosen;
    ctx.fillRect(v.width - 8 - text.length * 5.9, v.height - 24, text.length * 5.9 + 4, 18);
    ctx.fillStyle = paint.front;
    ctx.fillText(text, v.width - 4 - text.length * 5.9, v.height - 15);
  }
  return drawn;
}

// messageEnds are both ends of a message's line; one that was dropped when it was sent ends on half its way.
function messageEnds(d, i, y, v) {
  const m = d.messages, y0 = y.get(m.from[i]), y1 = y.get(m.to[i]), x0 = v.x(m.at[i]);
  if (m.arrives[i] === never) return [x0, y0, x0 + 8, y0 + (y1 - y0) * .4];
  return [x0, y0, v.x(m.arrives[i]), y1];
}

// drawLines draws messages of one look: a line each, and a dot where it arrived or a cross where it was lost.
function drawLines(ctx, d, look, places, y, v) {
  const lost = look === "dropped";
  ctx.strokeStyle = ctx.fillStyle = lost ? paint.alarm : colorOf(look);
  const ends = places.map(i => messageEnds(d, i, y, v));
  ctx.setLineDash(lost ? [4, 3] : []);
  ctx.beginPath();
  for (const [x0, y0, x1, y1] of ends) { ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  for (const [, , x1, y1] of ends) {
    if (lost) { ctx.moveTo(x1 - 3, y1 - 3); ctx.lineTo(x1 + 3, y1 + 3); ctx.moveTo(x1 - 3, y1 + 3); ctx.lineTo(x1 + 3, y1 - 3); }
    else ctx.rect(x1 - 2, y1 - 2, 4, 4);
  }
  if (lost) ctx.stroke(); else ctx.fill();
}

// drawViolations rings the operations of each counterexample, in their order, and marks when it was found.
function drawViolations(ctx, d, rows, v) {
  for (const found of d.violations) {
    const x = v.x(found.at);
    if (x >= gutter - 1 && x <= v.width + 1) {
      ctx.fillStyle = paint.alarm;
      ctx.fillRect(Math.min(x, v.width - 2) - 1, ruler, 2, v.height);
    }
    const points = [];
    for (const row of rows) {
      if (row.kind !== "ops") continue;
      if (!row.accused) continue;
      found.ops.forEach((op, n) => {
        const i = first(row.places, op);
        if (row.places[i] === op) points[n] = ring(ctx, row, i, n + 1, v);
      });
    }
    ctx.strokeStyle = paint.alarm;
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    points.filter(Boolean).forEach(([px, py], i) => { if (i) ctx.lineTo(px, py); else ctx.moveTo(px, py); });
    ctx.stroke();
    ctx.setLineDash([]);
  }
}

function ring(ctx, row, i, number, v) {
  const x0 = Math.max(v.x(row.from[i]), -50), x1 = Math.min(Math.max(v.x(row.to[i]), x0 + 3), v.width + 50), y = ruler + row.y - v.scroll;
  ctx.strokeStyle = paint.alarm;
  ctx.lineWidth = 2;
  ctx.strokeRect(x0 - 1.5, y - 1.5, x1 - x0 + 3, row.h + 3);
  ctx.lineWidth = 1;
  ctx.fillStyle = paint.alarm;
  ctx.beginPath(); ctx.arc(x0 - 8, y + row.h / 2, 7, 0, 7); ctx.fill();
  ctx.fillStyle = paint.back;
  ctx.textAlign = "center";
  ctx.fillText(String(number), x0 - 8, y + row.h / 2 + .5);
  ctx.textAlign = "left";
  return [x0 - 8, y + row.h / 2];
}
