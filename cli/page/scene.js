/* The scene from above, for every page: a canvas, and what is drawn on it. */
function el(tag, attrs, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attrs || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter(c => c !== null && c !== undefined));
  return node;
}
const color = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const fixed = (x, n) => x === null || x === undefined || !isFinite(x) ? "–" : x.toFixed(n);
const sourceNames = ["search", "policy", "comfort brake", "hard brake"];
const legendOf = () => el("div", {class: "legend"}, ...[["blue", "ego"], ["red", "ego braking by fallback or guard"], ["orange", "walker, its futures"], ["violet", "car, its futures"], ["box", "standing"], ["red", "phantom", 1], ["green", "goal", 1]]
  .map(([c, text, ring]) => el("span", {}, el("i", {style: ring ? `border: 2px solid var(--${c}); border-radius: 50%` : `background: var(--${c})`}), text)));

class View {
  constructor(canvas, episode, ghost) {
    this.canvas = canvas; this.e = episode; this.ghost = ghost; this.whole = false; this.i = 0;
    const r = episode.world.route, n = r.length;
    /* The route's chord points to the right: roads are long, screens are wide. */
    this.turn = -Math.atan2(r[n - 1] - r[1], r[n - 2] - r[0]);
    this.c = Math.cos(this.turn); this.s = Math.sin(this.turn);
  }
  rotate(x, y) { return [this.c * x - this.s * y, this.s * x + this.c * y]; }
  fit(width, height) {
    const k = this.e.ticks[this.i];
    if (!this.whole) {
      const [x, y] = this.rotate(k.ego[0], k.ego[1]);
      this.scale = Math.max(width / 62, 6.5);
      this.ox = width * 0.3 - x * this.scale; this.oy = height / 2 + y * this.scale;
      return;
    }
    let lo = [Infinity, Infinity], hi = [-Infinity, -Infinity];
    const r = this.e.world.route;
    for (let i = 0; i < r.length; i += 2) {
      const p = this.rotate(r[i], r[i + 1]);
      for (const a of [0, 1]) { lo[a] = Math.min(lo[a], p[a] - 8); hi[a] = Math.max(hi[a], p[a] + 8); }
    }
    this.scale = Math.min(width / (hi[0] - lo[0]), height / (hi[1] - lo[1]));
    this.ox = width / 2 - this.scale * (lo[0] + hi[0]) / 2; this.oy = height / 2 + this.scale * (lo[1] + hi[1]) / 2;
  }
  at(x, y) { const p = this.rotate(x, y); return [this.ox + this.scale * p[0], this.oy - this.scale * p[1]]; }
  polygon(points, fill, stroke) {
    const g = this.g;
    g.beginPath();
    points.forEach((p, i) => { const q = this.at(p[0], p[1]); i ? g.lineTo(q[0], q[1]) : g.moveTo(q[0], q[1]); });
    g.closePath();
    if (fill) { g.fillStyle = fill; g.fill(); }
    if (stroke) { g.strokeStyle = stroke; g.lineWidth = 1.5; g.stroke(); }
  }
  box(x, y, yaw, length, width, fill, stroke) {
    const c = Math.cos(yaw), s = Math.sin(yaw);
    this.polygon([[1, 1], [1, -1], [-1, -1], [-1, 1]].map(([a, b]) =>
      [x + c * a * length / 2 - s * b * width / 2, y + s * a * length / 2 + c * b * width / 2]), fill, stroke);
  }
  line(flat, from, stroke, width, dash) {
    const g = this.g;
    g.beginPath();
    for (let i = from; i + 1 < flat.length; i += 2) {
      const q = this.at(flat[i], flat[i + 1]);
      i > from ? g.lineTo(q[0], q[1]) : g.moveTo(q[0], q[1]);
    }
    g.strokeStyle = stroke; g.lineWidth = width; g.setLineDash(dash || []); g.stroke(); g.setLineDash([]);
  }
  ring(x, y, radius, stroke, fill) {
    const q = this.at(x, y);
    this.g.beginPath(); this.g.arc(q[0], q[1], radius * this.scale, 0, 7);
    if (fill) { this.g.fillStyle = fill; this.g.fill(); }
    this.g.strokeStyle = stroke; this.g.lineWidth = 2; this.g.stroke();
  }
  scaleBar(height) {
    const g = this.g, m = this.whole ? 50 : 10, px = m * this.scale;
    g.strokeStyle = color("soft"); g.lineWidth = 1.5; g.beginPath();
    g.moveTo(12, height - 17); g.lineTo(12, height - 12); g.lineTo(12 + px, height - 12); g.lineTo(12 + px, height - 17); g.stroke();
    g.fillStyle = color("soft"); g.font = "11px system-ui, sans-serif"; g.textBaseline = "alphabetic"; g.fillText(m + " m", 18, height - 17);
  }
  ground() {
    const w = this.e.world, rect = r => [[r[0], r[1]], [r[2], r[1]], [r[2], r[3]], [r[0], r[3]]];
    const strip = s => [[s[0], s[1]], [s[2], s[3]], [s[4], s[5]], [s[6], s[7]]];
    w.pavement_strips.forEach(s => this.polygon(strip(s), color("pavement")));
    w.road_strips.forEach(s => this.polygon(strip(s), color("road")));
    w.pavement.forEach(r => this.polygon(rect(r), color("pavement")));
    w.road.forEach(r => this.polygon(rect(r), color("road")));
    this.line(w.route, 0, color("route"), 2, [6, 6]);
    this.ring(w.goal[0], w.goal[1], w.goal[2], color("green"));
  }
  belief(b) {
    const g = this.g;
    if (b.path) { g.globalAlpha = 0.55; this.line(b.path, 0, color("blue"), 2.5); }
    b.modes.forEach(m => {
      g.globalAlpha = 0.12 + 0.88 * Math.min(1, m[1]);
      this.line(m, 2, color(m[0] === 2 ? "violet" : "orange"), 1.5 + 2 * m[1]);
    });
    b.phantoms.forEach(p => {
      g.globalAlpha = 0.85;
      this.ring(p[0], p[1], 0.35, color("red"));
      this.line([p[0], p[1], p[0] + p[3] * Math.cos(p[2]), p[1] + p[3] * Math.sin(p[2])], 0, color("red"), 1.5, [3, 3]);
    });
    g.globalAlpha = 1;
  }
  draw(i) {
    this.i = i;
    const ratio = window.devicePixelRatio || 1, width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const k = this.e.ticks[i], size = this.e.world.ego;
    this.canvas.width = width * ratio; this.canvas.height = height * ratio;
    const g = this.g = this.canvas.getContext("2d");
    g.scale(ratio, ratio);
    if (!k) return;
    this.fit(width, height);
    this.ground();
    k.boxes.forEach(b => this.box(b[0], b[1], b[2], b[3], b[4], color("box")));
    if (k.belief) this.belief(k.belief);
    k.agents.forEach(a => {
      this.box(a[2], a[3], a[4], Math.max(a[5], 0.5), Math.max(a[6], 0.5), color(a[1] === 2 ? "violet" : "orange"), color("card"));
    });
    const twin = this.ghost && this.ghost.ticks[Math.min(i, this.ghost.ticks.length - 1)];
    if (twin) this.box(twin.ego[0], twin.ego[1], twin.ego[2], size[0], size[1], null, color("blue"));
    this.box(k.ego[0], k.ego[1], k.ego[2], size[0], size[1], color(k.src >= 2 ? "red" : "blue"), color("card"));
    this.scaleBar(height);
  }
}
