// Two strips over the plots: the whole table at a glance, and the events as a track.

import { LEFT, RIGHT } from "./plots.js";
import { byId, tickLabel, timeTicks } from "./page.js";

const LANE = 15;
const MOST_LANES = 8;

// A canvas fitted to its place, empty: its context in CSS pixels.
function fitted(canvas, height) {
  if (height) canvas.style.height = `${height}px`;
  const ratio = devicePixelRatio;
  const [wide, tall] = [canvas.clientWidth, canvas.clientHeight];
  const size = { width: Math.round(wide * ratio), height: Math.round(tall * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, wide, tall);
  return { context, wide, tall };
}

export class Overview {
  constructor(app) {
    this.app = app;
    this.canvas = byId("overview");
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.move(event);
      this.canvas.onpointermove = (now) => this.move(now);
    };
    this.canvas.onpointerup = () => { this.canvas.onpointermove = null; };
  }

  move(event) {
    const { app } = this;
    const span = app.view.end - app.view.start;
    const inner = this.canvas.clientWidth - LEFT - RIGHT;
    const middle = app.start + ((event.offsetX - LEFT) / inner) * (app.end - app.start);
    app.setView(middle - span / 2, middle + span / 2);
  }

  draw() {
    const { app } = this;
    const { tint } = app;
    const { context, wide, tall } = fitted(this.canvas);
    const inner = wide - LEFT - RIGHT;
    const x = (time) => LEFT + ((time - app.start) / (app.end - app.start)) * inner;
    context.drawImage(this.background(x, tall, tint), 0, 0, wide, tall);
    const [left, right] = [x(app.view.start), x(app.view.end)];
    context.strokeStyle = tint("accent");
    context.lineWidth = 1.5;
    context.strokeRect(left, 1, Math.max(3, right - left), tall - 2);
    context.fillStyle = tint("ink");
    context.fillRect(x(app.time) - 0.75, 0, 1.5, tall);
  }

  // Quality and events, which stay as they are while one moves: drawn once.
  background(x, tall, tint) {
    const { app, canvas } = this;
    const { table } = app;
    const level = table.levels - 1;
    const times = table.frames ? table.times(level, 0) : null;
    const parts = app.chosen(table).map((who) => table.quality(who, level, 0));
    const known = times && parts.length && !parts.includes(null);
    const key = [canvas.width, app.list.chosen(), known, parts.length, app.dark.matches, ...app.who];
    if (this.key?.length === key.length && key.every((part, nth) => part === this.key[nth])) {
      return this.layer;
    }
    this.key = key;
    this.layer = new OffscreenCanvas(canvas.width, canvas.height);
    const context = this.layer.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    if (known) this.quality(context, x, tall, tint, times, parts);
    context.fillStyle = tint("accent");
    for (const event of app.list.chosen()) {
      context.fillRect(x(event.onset_s), tall - 7, Math.max(1, x(event.offset_s) - x(event.onset_s)), 4);
    }
    return this.layer;
  }

  quality(context, x, tall, tint, times, parts) {
    const step = times.length > 1 ? x(times[1]) - x(times[0]) : 1;
    for (let bin = 0; bin < times.length; bin += 1) {
      const shares = { low: Math.max(...parts.map((part) => part.low[bin])), absent: Math.min(...parts.map((part) => part.absent[bin])) };
      for (const [kind, share] of Object.entries(shares)) {
        if (!share) continue;
        context.globalAlpha = share;
        context.fillStyle = tint(kind);
        context.fillRect(x(times[bin]) - step / 2, 0, Math.max(1, step), tall);
      }
    }
    context.globalAlpha = 1;
  }
}

export class Lanes {
  constructor(app) {
    this.app = app;
    this.canvas = byId("lanes");
    this.canvas.onclick = (event) => {
      const found = this.at(event);
      if (found) app.list.go(found);
    };
    this.canvas.onpointermove = (event) => {
      const found = this.at(event);
      this.canvas.title = found ? app.list.words(found) : "";
    };
  }

  at(event) {
    // Later ones lie over earlier ones.
    return this.boxes?.findLast(({ left, right, top }) =>
      event.offsetX >= left - 2 && event.offsetX <= right + 2
      && event.offsetY >= top && event.offsetY < top + LANE)?.event;
  }

  draw() {
    const { app } = this;
    const events = app.list.chosen();
    const kinds = [...new Set(app.list.events.map((event) => event.kind))].sort();
    this.canvas.hidden = !kinds.length;
    if (!kinds.length) return;
    const lanes = Math.min(MOST_LANES, kinds.length);
    const { tint } = app;
    const { context, wide } = fitted(this.canvas, lanes * LANE + 4);
    const { start, end } = app.view;
    const halves = app.tables.length;
    const inner = wide / halves - LEFT - RIGHT;
    const x = (time) => LEFT + ((time - start) / (end - start)) * inner;
    context.font = "10px system-ui, sans-serif";
    this.boxes = [];
    const drawn = new Map();
    // More kinds than lanes share them; every event's own label tells which it is.
    const laneOf = new Map(kinds.map((kind, nth) => [kind, nth % lanes]));
    if (kinds.length <= lanes) {
      context.fillStyle = tint("soft");
      for (const kind of kinds) context.fillText(kind, 3, laneOf.get(kind) * LANE + 13, LEFT - 6);
    }
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, inner, lanes * LANE + 4);
    context.clip();
    for (const event of events) {
      if (event.offset_s < start || event.onset_s > end) continue;
      const top = laneOf.get(event.kind) * LANE + 2;
      const [left, right] = [x(event.onset_s), Math.max(x(event.onset_s) + 2, x(event.offset_s))];
      this.boxes.push({ event, left, right, top });
      // Thousands of events lie on the same few pixels of a long table.
      if (right <= (drawn.get(top) ?? -1)) continue;
      drawn.set(top, right);
      context.fillStyle = event.subject === null ? tint("soft") : app.colour(app.list.table, event.subject);
      context.fillRect(left, top + 2, right - left, LANE - 4);
      if (Number.isFinite(event.apex_s) && right - left > 8) {
        context.fillStyle = tint("ink");
        context.fillRect(x(event.apex_s) - 1, top, 2, LANE);
      }
      const label = [event.kind, event.side].filter(Boolean).join(" ");
      if (right - left > 20 && right - left > context.measureText(label).width + 8) {
        context.fillStyle = tint("card");
        context.fillText(label, Math.max(left, LEFT) + 4, top + 11);
      }
    }
    context.restore();
    context.fillStyle = tint("ink");
    if (app.time >= start && app.time <= end) context.fillRect(x(app.time) - 0.75, 0, 1.5, lanes * LANE + 4);
  }
}

// The times of the view, over the panels (over each column of them).
export class Axis {
  constructor(app) {
    this.app = app;
    this.canvas = byId("axis");
  }

  draw() {
    const { app } = this;
    const { tint } = app;
    const { context, wide } = fitted(this.canvas);
    const { start, end } = app.view;
    const part = wide / app.tables.length;
    const inner = part - LEFT - RIGHT;
    const ticks = timeTicks(app, inner);
    Object.assign(context, { fillStyle: tint("soft"), textAlign: "center", font: "11px system-ui, sans-serif" });
    app.tables.forEach((_, nth) => {
      for (const at of ticks) {
        const x = nth * part + LEFT + ((at - start) / (end - start)) * inner;
        context.fillText(tickLabel(app, ticks, at), x, 13);
      }
    });
  }
}
