// The page: what is in sight, and what keys, pointer and wheel do to it.

const $ = id => document.getElementById(id);

class View {
  constructor(d) {
    this.d = d;
    this.t0 = 0;
    this.t1 = d.end;
    this.scroll = 0;
    this.want = { part: -1, disk: false, closed: new Set() };
    this.messages = false;
    this.pointer = null;
    this.chosen = null;
    this.hits = [];
    this.hit = -1;
    this.dirty = this.dirtyOver = this.dirtyStrip = true;
    this.frames = 0;
    this.relayout();
  }

  x(t) { return gutter + (t - this.t0) / (this.t1 - this.t0) * (this.width - gutter); }
  time(x) { return this.t0 + (x - gutter) / (this.width - gutter) * (this.t1 - this.t0); }

  relayout() {
    this.rows = layout(this.d, this.want);
    const names = this.d.strings.map(s => this.want.part < 0 || s.includes(this.d.parts[this.want.part] + " "));
    this.wanted = i => names[this.d.messages.text[i]];
    this.draw();
  }

  draw(strip) {
    this.dirty = this.dirtyOver = true;
    if (strip !== false) this.dirtyStrip = true;
    this.plan();
  }

  plan() {
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => { this.planned = false; this.frame(); });
  }

  frame() {
    const begun = performance.now();
    if (this.dirty) {
      this.scroll = Math.max(0, Math.min(this.scroll, this.rows.height + ruler - this.height));
      drawRows($("rows").getContext("2d"), this.d, this.rows, this);
      const span = this.t1 - this.t0;
      $("range").textContent = seconds(this.t0, span) + " – " + seconds(this.t1, span) + "  (" + lasting(span) + ")";
    }
    if (this.dirtyStrip) drawStrip(this);
    if (this.dirtyOver) drawOver($("over").getContext("2d"), this);
    this.dirty = this.dirtyOver = this.dirtyStrip = false;
    this.took = performance.now() - begun;
    this.frames++;
    if (!this.openedIn) this.openedIn = performance.now();
  }

  resize() {
    this.dpr = window.devicePixelRatio || 1;
    const box = $("stage").getBoundingClientRect();
    this.width = Math.max(gutter + 50, Math.floor(box.width));
    this.height = Math.max(50, Math.floor(box.height));
    for (const id of ["rows", "over"]) { $(id).width = this.width * this.dpr; $(id).height = this.height * this.dpr; }
    $("overview").width = this.width * this.dpr;
    $("overview").height = 54 * this.dpr;
    this.strip = null;
    this.draw();
  }

  // show brings a span into sight, no shorter than a microsecond.
  show(t0, t1) {
    const least = 1000, most = this.d.end * 1.04;
    let span = Math.max(least, Math.min(most, t1 - t0));
    const mid = (t0 + t1) / 2;
    this.t0 = Math.max(-this.d.end * .02, Math.min(mid - span / 2, this.d.end * 1.02 - span));
    this.t1 = this.t0 + span;
    this.draw();
    keep(this);
  }

  zoom(by, x = (gutter + this.width) / 2) {
    const at = this.time(x), left = (at - this.t0) * by, right = (this.t1 - at) * by;
    this.show(at - left, at + right);
  }

  pan(share) { const by = (this.t1 - this.t0) * share; this.show(this.t0 + by, this.t1 + by); }
  all() { this.show(-this.d.end * .01, this.d.end * 1.01); }

  // wrong shows the next violation, with its operations in sight.
  wrong() {
    const all = this.d.violations;
    if (!all.length) return;
    this.nth = this.nth === undefined ? 0 : (this.nth + 1) % all.length;
    const v = all[this.nth], o = this.d.ops;
    let t0 = v.at, t1 = v.at;
    for (const op of v.ops) { t0 = Math.min(t0, o.call[op]); t1 = Math.max(t1, o.ret[op]); }
    const edge = Math.max((t1 - t0) * .12, 20e6);
    this.show(v.ops.length ? t0 - edge : t0 - Math.min(3e9, this.d.end / 3), t1 + edge);
    const row = this.rows.find(r => r.kind === "ops" && r.places.some(p => v.ops.includes(p)));
    if (row) this.reveal(row);
    this.tell(runPanel(this.d));
  }

  reveal(row) {
    const y = ruler + row.y - this.scroll;
    if (y < ruler + 20 || y > this.height - 60) this.scroll = Math.max(0, row.y - this.height / 2);
    this.draw();
  }

  tell(html) { $("panel").innerHTML = html; $("panel").scrollTop = 0; }

  choose(item) {
    this.chosen = item;
    this.tell(itemPanel(this.d, item));
    this.draw(false);
  }

  // go brings an item into sight, and chooses it.
  go(item) {
    const told = tellItem[item.kind](this.d, item.place, item.band);
    if (told.to < this.t0 + (this.t1 - this.t0) * .05 || told.from > this.t1 - (this.t1 - this.t0) * .05 || told.to - told.from < (this.t1 - this.t0) / 2000) {
      const span = Math.max((told.to - told.from) * 4, Math.min(this.t1 - this.t0, 500e6)), mid = (told.from + told.to) / 2;
      this.show(mid - span / 2, mid + span / 2);
    }
    if (item.kind === "op") {
      const row = this.rows.find(r => r.kind === "ops" && r.places.includes(item.place));
      if (row) this.reveal(row);
    }
    this.chosen = item;
    this.draw();
  }

  search(query) {
    this.hits = find(this.d, query, this.want.part);
    this.hit = -1;
    $("hits").textContent = query.trim() ? this.hits.length + " found" : "";
    if (this.hits.length) this.tell(hitsPanel(this.d, this.hits, -1)); else if (!query.trim()) this.tell(runPanel(this.d));
    this.draw();
  }

  // next goes to the next hit of the search, or to the next fault where there is none.
  next(step) {
    if (this.hits.length) {
      this.hit = (this.hit + step + this.hits.length) % this.hits.length;
      this.go(this.hits[this.hit]);
      this.tell(hitsPanel(this.d, this.hits, this.hit));
      $("hits").textContent = (this.hit + 1) + " of " + this.hits.length;
      return;
    }
    const n = this.d.notes, mid = this.chosen && this.chosen.kind === "note" ? n.at[this.chosen.place] : (this.t0 + this.t1) / 2;
    let best = -1;
    for (let i = 0; i < n.at.length; i++) {
      if (!/^(fault|remark|story)$/.test(this.d.strings[n.class[i]]) || step > 0 ? n.at[i] <= mid : n.at[i] >= mid) continue;
      if (/^(fault|remark|story)$/.test(this.d.strings[n.class[i]]) && (best < 0 || step < 0)) { best = i; if (step > 0) break; }
    }
    if (best >= 0) { this.go({ kind: "note", place: best }); this.choose({ kind: "note", place: best }); }
  }

  // at returns what is under a point of the stage, null if nothing is.
  at(x, y) {
    if (x < gutter) return null;
    if (this.messages && this.drawn) {
      const near = nearMessage(this, x, y);
      if (near >= 0) return { kind: "message", place: near };
    }
    const row = this.rows.find(r => y >= ruler + r.y - this.scroll - 1 && y < ruler + r.y + r.h - this.scroll + 1);
    if (!row) return null;
    const t = this.time(x), slack = (this.t1 - this.t0) / (this.width - gutter) * 3;
    if (row.kind === "notes") {
      const i = nearest(row.at, row.at, t, slack);
      return i < 0 ? null : { kind: "note", place: row.places[i] };
    }
    if (row.kind === "ops" || row.kind === "disk") {
      const i = nearest(row.from, row.to, t, slack);
      return i < 0 ? null : { kind: row.kind === "ops" ? "op" : "disk", place: row.places[i] };
    }
    const i = row.band ? nearest(row.band.from, row.band.to, t, slack) : -1;
    return i < 0 ? null : { kind: "band", place: i, band: row.band };
  }
}

// nearest is the interval at a time, or the one that is nearest within some slack.
function nearest(from, to, t, slack) {
  const i = latest(from, t);
  if (i >= 0 && to[i] >= t) return i;
  const before = i >= 0 ? t - to[i] : Infinity, after = i + 1 < from.length ? from[i + 1] - t : Infinity;
  if (Math.min(before, after) > slack) return -1;
  return before <= after ? i : i + 1;
}

function nearMessage(v, x, y) {
  const ys = brokerY(v.rows, v);
  let best = -1, least = 4;
  for (const i of v.drawn) {
    const [x0, y0, x1, y1] = messageEnds(v.d, i, ys, v);
    const dx = x1 - x0, dy = y1 - y0, k = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
    const far = Math.hypot(x - x0 - k * dx, y - y0 - k * dy);
    if (far < least) { least = far; best = i; }
  }
  return best;
}

// drawOver draws what follows the pointer: the names with their states then, and the line of that instant.
function drawOver(ctx, v) {
  const d = v.d, t = v.pointer && v.pointer.x >= gutter ? v.time(v.pointer.x) : null;
  ctx.setTransform(v.dpr, 0, 0, v.dpr, 0, 0);
  ctx.clearRect(0, 0, v.width, v.height);
  ctx.fillStyle = paint.back;
  ctx.fillRect(0, 0, gutter, v.height);
  ctx.textBaseline = "middle";
  const accused = d.violations[0];
  ctx.save();
  ctx.beginPath(); ctx.rect(0, ruler, gutter, v.height); ctx.clip();
  for (const row of v.rows) {
    const y = ruler + row.y - v.scroll;
    if (y + row.h < ruler || y > v.height) continue;
    if (row.lane) { ctx.fillStyle = paint.line; ctx.fillRect(0, y - 5, gutter, 1); }
    const bad = accused && (row.kind === "role" && accused.parts.includes(row.part) || row.name === "process" && accused.brokers.includes(row.broker) || row.label && row.accused);
    ctx.font = (row.head ? "600 " : "") + "11px system-ui, sans-serif";
    ctx.fillStyle = bad ? paint.alarm : row.head ? paint.front : paint.faint;
    const fold = row.name === "process" ? (v.want.closed.has(row.lane) ? "▸ " : "▾ ") : "";
    const label = (bad ? "● " : "") + fold + row.label;
    ctx.fillText(label, row.head ? 8 : 20, y + row.h / 2);
    const state = t === null || row.name === "phase" ? "" : stateOf(d, row, t);
    if (state) {
      ctx.font = "10px ui-monospace, monospace";
      ctx.fillStyle = paint.faint;
      ctx.fillText(state.slice(0, 26), 92, y + row.h / 2);
    }
  }
  ctx.restore();
  ctx.fillStyle = paint.line;
  ctx.fillRect(gutter - 1, 0, 1, v.height);
  if (v.rows.height + ruler > v.height) {
    const h = v.height - ruler, whole = v.rows.height;
    ctx.fillStyle = paint.faint;
    ctx.globalAlpha = .4;
    ctx.fillRect(v.width - 5, ruler + v.scroll / whole * h, 4, Math.max(20, h / whole * h));
    ctx.globalAlpha = 1;
  }
  drawChosen(ctx, v);
  if (t === null) return;
  ctx.fillStyle = paint.focus;
  ctx.fillRect(Math.round(v.pointer.x), ruler - 6, 1, v.height);
  const label = seconds(t, v.t1 - v.t0), w = label.length * 6 + 8, x = Math.min(v.pointer.x + 2, v.width - w);
  ctx.fillRect(x, 2, w, 16);
  ctx.fillStyle = paint.back;
  ctx.font = "11px system-ui, sans-serif";
  ctx.fillText(label, x + 4, 10.5);
}

// drawChosen frames what was clicked, and ticks the hits of the search along the ruler.
function drawChosen(ctx, v) {
  ctx.fillStyle = paint.focus;
  for (const h of v.hits) {
    const x = v.x(h.at);
    if (x >= gutter && x <= v.width) ctx.fillRect(x, ruler - 4, 1, 4);
  }
  const c = v.chosen;
  if (!c || c.kind === "message") return;
  const row = v.rows.find(r => c.kind === "band" ? r.band === c.band : r.places && r.kind === { op: "ops", note: "notes", disk: "disk" }[c.kind] && r.places.includes(c.place));
  if (!row) return;
  const told = tellItem[c.kind](v.d, c.place, c.band), x0 = Math.max(gutter, v.x(told.from)), x1 = Math.min(v.width, v.x(told.to));
  if (x1 < gutter || x0 > v.width) return;
  ctx.strokeStyle = paint.focus;
  ctx.lineWidth = 2;
  ctx.strokeRect(x0 - 2, ruler + row.y - v.scroll - 2, Math.max(3, x1 - x0) + 4, row.h + 4);
  ctx.lineWidth = 1;
}

// drawStrip draws the whole run in one strip, once, and on it what part is in sight.
function drawStrip(v) {
  const canvas = $("overview"), ctx = canvas.getContext("2d");
  if (!v.strip) { v.strip = new OffscreenCanvas(canvas.width, canvas.height); paintStrip(v.strip.getContext("2d"), v); }
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.drawImage(v.strip, 0, 0);
  ctx.setTransform(v.dpr, 0, 0, v.dpr, 0, 0);
  const x0 = stripX(v, v.t0), x1 = Math.max(x0 + 2, stripX(v, v.t1));
  ctx.fillStyle = paint.back;
  ctx.globalAlpha = .6;
  ctx.fillRect(gutter, 0, x0 - gutter, 54);
  ctx.fillRect(x1, 0, v.width - x1, 54);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = paint.focus;
  ctx.lineWidth = 2;
  ctx.strokeRect(x0, 1, x1 - x0, 52);
  ctx.lineWidth = 1;
  ctx.fillStyle = paint.focus;
  for (const h of v.hits) ctx.fillRect(stripX(v, h.at), 50, 1, 4);
}

const stripX = (v, t) => gutter + Math.max(0, Math.min(1, t / v.d.end)) * (v.width - gutter - 4);
const stripTime = (v, x) => (x - gutter) / (v.width - gutter - 4) * v.d.end;

function paintStrip(ctx, v) {
  const d = v.d;
  ctx.setTransform(v.dpr, 0, 0, v.dpr, 0, 0);
  ctx.fillStyle = paint.back;
  ctx.fillRect(0, 0, v.width, 54);
  const n = Math.ceil(v.width - gutter), ok = new Int32Array(n + 1), bad = new Int32Array(n + 1);
  for (let i = 0; i < d.ops.call.length; i++) {
    const x = Math.floor(stripX(v, d.ops.call[i]) - gutter);
    if (d.strings[d.ops.outcome[i]] === "ok") ok[x]++; else bad[x]++;
  }
  const most = Math.max(1, ok.reduce((a, b, i) => Math.max(a, b + bad[i]), 0));
  for (let x = 0; x < n; x++) {
    const all = ok[x] + bad[x];
    if (!all) continue;
    const h = Math.sqrt(all / most) * 22, a = ok[x] / all * h, b = h - a; // the root, so that the end, where all is read, leaves something of the rest
    ctx.fillStyle = colorOf("append"); ctx.fillRect(gutter + x, 52 - a, 1, a);
    ctx.fillStyle = colorOf("unknown"); ctx.fillRect(gutter + x, 52 - a - b, 1, b);
  }
  d.brokers.forEach((id, k) => {
    const h = Math.min(7, 22 / d.brokers.length), y = 3 + k * h;
    const whole = { x: t => stripX(v, t), t0: 0, t1: d.end, width: v.width };
    for (const kind of ["process", "disk", "links"]) {
      const b = d.bandOf.get(kind + " " + id + " -1");
      if (b) spans(b.from, b.to, whole, i => rank[d.strings[b.class[i]]] ?? 4, (i, x0, x1) => {
        ctx.fillStyle = colorOf(d.strings[b.class[i]]);
        ctx.fillRect(x0, y + (kind === "process" ? 0 : h * .55), x1 - x0, kind === "process" ? h - 1 : h * .45 - 1);
      });
    }
  });
  for (const f of d.violations) { ctx.fillStyle = paint.alarm; ctx.fillRect(stripX(v, f.at) - 1, 0, 2, 54); }
  ctx.fillStyle = paint.faint;
  ctx.font = "11px system-ui, sans-serif";
  ctx.textBaseline = "middle";
  if (d.brokers.length) ctx.fillText("whole run: brokers", 8, 14);
  ctx.fillText("operations (not ok above)", 8, 40);
}

const paintOf = name => colorOf(name);

// keep writes what is in sight into the page's address, so that a link leads back to it.
function keep(v) {
  clearTimeout(v.keeping);
  v.keeping = setTimeout(() => {
    const part = v.want.part >= 0 ? "&part=" + encodeURIComponent(v.d.parts[v.want.part]) : "";
    history.replaceState(null, "", "#t=" + Math.round(v.t0) + "," + Math.round(v.t1) + part + (v.messages ? "&messages" : "") + (v.want.disk ? "&disk" : ""));
  }, 200);
}

function recall(v) {
  const asked = new URLSearchParams(location.hash.slice(1)), accused = v.d.violations[0];
  v.want.part = v.d.parts.indexOf(asked.get("part"));
  if (!location.hash && accused && accused.ops.length && accused.parts.length === 1) v.want.part = accused.parts[0]; // the others are one choice away
  v.want.disk = asked.has("disk");
  v.messages = asked.has("messages");
  $("part").value = v.want.part;
  $("disk").checked = v.want.disk;
  $("messages").checked = v.messages;
  v.relayout();
  const [t0, t1] = (asked.get("t") || "").split(",").map(Number);
  if (t1 > t0) v.show(t0, t1); else if (v.d.violations.length) v.wrong(); else v.all();
}

function listenStage(v) {
  const over = $("over");
  let held = null;
  over.addEventListener("wheel", e => {
    e.preventDefault();
    if (e.offsetX < gutter && !e.shiftKey) { v.scroll += e.deltaY; v.draw(false); return; }
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { v.pan((e.deltaX || e.deltaY) / 1000); return; }
    v.zoom(Math.exp(Math.max(-200, Math.min(200, e.deltaY)) * .0025), e.offsetX);
  }, { passive: false });
  over.addEventListener("pointerdown", e => {
    held = { x: e.offsetX, y: e.offsetY, t0: v.t0, t1: v.t1, scroll: v.scroll, moved: false };
    over.setPointerCapture(e.pointerId);
    over.focus();
  });
  over.addEventListener("pointermove", e => {
    v.pointer = { x: e.offsetX, y: e.offsetY };
    if (held && (held.moved || Math.hypot(e.offsetX - held.x, e.offsetY - held.y) > 4)) {
      held.moved = true;
      over.classList.add("drag");
      const by = (held.x - e.offsetX) / (v.width - gutter) * (held.t1 - held.t0);
      v.scroll = held.scroll + held.y - e.offsetY;
      v.show(held.t0 + by, held.t1 + by);
      $("tip").hidden = true;
      return;
    }
    hover(v);
    v.dirtyOver = true;
    v.plan();
  });
  over.addEventListener("pointerup", e => {
    over.classList.remove("drag");
    if (held && !held.moved) clicked(v, e.offsetX, e.offsetY);
    held = null;
  });
  over.addEventListener("pointerleave", () => { v.pointer = null; $("tip").hidden = true; v.dirtyOver = true; v.plan(); });
  over.addEventListener("dblclick", e => v.zoom(.25, e.offsetX));
}

function clicked(v, x, y) {
  if (x < gutter) {
    const row = v.rows.find(r => r.name === "process" && y >= ruler + r.y - v.scroll && y < ruler + r.y + r.h - v.scroll);
    if (!row) return;
    if (!v.want.closed.delete(row.lane)) v.want.closed.add(row.lane);
    v.relayout();
    return;
  }
  const item = v.at(x, y);
  if (item) { v.choose(item); return; }
  v.chosen = null;
  v.tell(instantPanel(v.d, v.time(x), v.want.part));
  v.draw(false);
}

function hover(v) {
  const { x, y } = v.pointer, item = v.at(x, y), tip = $("tip");
  tip.hidden = !item;
  if (!item) return;
  const told = tellItem[item.kind](v.d, item.place, item.band);
  tip.textContent = told.title + "\n" + seconds(told.from) + (told.to > told.from ? " + " + lasting(told.to - told.from) : "") + (item.kind === "message" ? "\n" + told.text : "");
  tip.style.left = Math.min(x + 14, v.width - tip.offsetWidth - 8) + "px";
  tip.style.top = (y + 18 + tip.offsetHeight > v.height ? y - tip.offsetHeight - 10 : y + 18) + "px";
}

function listenStrip(v) {
  let from = null;
  const strip = $("overview");
  strip.addEventListener("pointerdown", e => {
    const t = stripTime(v, e.offsetX), inside = t >= v.t0 && t <= v.t1 && v.t1 - v.t0 < v.d.end * .98;
    from = { t, inside, t0: v.t0, t1: v.t1 };
    strip.setPointerCapture(e.pointerId);
    if (!inside) v.show(t - (v.t1 - v.t0) / 2, t + (v.t1 - v.t0) / 2);
  });
  strip.addEventListener("pointermove", e => {
    if (!from) return;
    const t = stripTime(v, e.offsetX);
    if (from.inside) v.show(from.t0 + t - from.t, from.t1 + t - from.t);
    else if (Math.abs(t - from.t) > v.d.end * .005) v.show(Math.min(t, from.t), Math.max(t, from.t));
  });
  strip.addEventListener("pointerup", () => { from = null; });
  strip.addEventListener("wheel", e => { e.preventDefault(); v.zoom(Math.exp(e.deltaY * .0025)); }, { passive: false });
}

const keys = v => ({
  ArrowLeft: e => v.pan(e.shiftKey ? -.8 : -.15), ArrowRight: e => v.pan(e.shiftKey ? .8 : .15),
  ArrowUp: () => { v.scroll -= 60; v.draw(false); }, ArrowDown: () => { v.scroll += 60; v.draw(false); },
  "+": () => v.zoom(.6), "=": () => v.zoom(.6), "-": () => v.zoom(1 / .6), 0: () => v.all(), f: () => v.all(),
  Home: () => v.show(0, v.t1 - v.t0), End: () => v.show(v.d.end - (v.t1 - v.t0), v.d.end),
  v: () => v.wrong(), n: () => v.next(1), N: () => v.next(-1),
  m: () => $("messages").click(), d: () => $("disk").click(), "/": () => $("search").focus(),
  "?": () => v.tell(runPanel(v.d)), Escape: () => { v.chosen = null; v.tell(runPanel(v.d)); v.draw(false); },
});

function listenControls(v) {
  $("messages").addEventListener("change", e => { v.messages = e.target.checked; v.draw(false); keep(v); });
  $("disk").addEventListener("change", e => { v.want.disk = e.target.checked; v.relayout(); keep(v); });
  $("part").addEventListener("change", e => { v.want.part = +e.target.value; v.relayout(); keep(v); });
  $("in").addEventListener("click", () => v.zoom(.5));
  $("out").addEventListener("click", () => v.zoom(2));
  $("fit").addEventListener("click", () => v.all());
  $("wrong").addEventListener("click", () => v.wrong());
  $("alarm").addEventListener("click", () => v.wrong());
  $("help").addEventListener("click", () => v.tell(runPanel(v.d)));
  let waiting;
  $("search").addEventListener("input", e => { clearTimeout(waiting); waiting = setTimeout(() => v.search(e.target.value), 150); });
  $("search").addEventListener("keydown", e => {
    if (e.key === "Enter") { clearTimeout(waiting); if (v.hit < 0) v.search(e.target.value); if (v.hits.length) v.next(e.shiftKey ? -1 : 1); }
    if (e.key === "Escape") { e.target.value = ""; v.search(""); $("over").focus(); }
    e.stopPropagation();
  });
  const known = keys(v);
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT)$/.test(e.target.tagName) && e.target.type !== "checkbox" || !Object.hasOwn(known, e.key)) return;
    e.preventDefault();
    known[e.key](e);
  });
  $("panel").addEventListener("click", e => {
    const go = e.target.closest(".go");
    if (!go) return;
    const of = go.dataset;
    if (of.op) { v.go({ kind: "op", place: +of.op }); v.choose({ kind: "op", place: +of.op }); }
    else if (of.hit) { v.hit = +of.hit - 1; v.next(1); }
    else { const edge = Math.max((+of.to - +of.from) * .5, 5e6); v.show(+of.from - edge, +of.to + edge); }
  });
}

function dress(d) {
  document.title = d.title + " – " + d.verdict;
  $("title").textContent = d.title;
  $("verdict").textContent = d.verdict;
  $("verdict").className = d.violations.length || d.verdict !== "valid" ? "bad" : "good";
  $("part").innerHTML = "<option value='-1'>all</option>" + partOrder(d).map(p => "<option value='" + p + "'>" + escape(d.parts[p]) + "</option>").join("");
  if (!d.violations.length) return;
  const v = d.violations[0], more = d.violations.length > 1 ? " (and " + (d.violations.length - 1) + " more)" : "";
  $("alarm").hidden = $("wrong").hidden = false;
  $("alarm").innerHTML = "<b>" + escape(v.name) + more + "</b>" + escape(v.text.replace(v.name, "").split("\n", 1)[0].slice(0, 400));
}

async function open() {
  const d = prepare(await unpack());
  readColors();
  dress(d);
  const v = new View(d);
  window.view = v;
  listenStage(v);
  listenStrip(v);
  listenControls(v);
  v.resize();
  v.tell(runPanel(d));
  recall(v);
  window.addEventListener("resize", () => v.resize());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColors(); v.resize(); });
  $("over").focus();
}

open().catch(e => { document.body.textContent = "This page can't be shown: " + e + (window.DecompressionStream ? "" : " (it needs a browser with DecompressionStream: any of 2023 or later)"); });
