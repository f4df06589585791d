// Traces over time, one panel for each column (and table), drawn by uPlot.

import { byId, make, timeTicks } from "./page.js";

export const LEFT = 50;
export const RIGHT = 8;
const LEAST_TALL = 92;
const MOST_TALL = 190;
const AROUND = 25;
const BINS_PER_PIXEL = 1;
const withGaps = (values) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));
const joined = (parts) => (parts.length === 1 ? parts[0] : [].concat(...parts));

// Stretches of low quality, and without any of the subjects: [start, end, kind, share].
function stretches(times, perSubject) {
  const found = [];
  for (let bin = 0; bin < times.length; bin += 1) {
    const low = Math.max(...perSubject.map((one) => one.low[bin]));
    const absent = Math.min(...perSubject.map((one) => one.absent[bin]));
    const kind = low > 0 && low >= absent ? "low" : absent > 0 ? "absent" : null;
    if (kind === null) continue;
    const share = (Math.ceil((kind === "low" ? low : absent) * 8) / 8);
    const half = (from, to) => (times[to] === undefined ? times[from] : (times[from] + times[to]) / 2);
    const [start, end] = [half(bin, bin - 1), half(bin, bin + 1)];
    const last = found.at(-1);
    if (last && last[1] === start && last[2] === kind && last[3] === share) last[1] = end;
    else found.push([start, end, kind, share]);
  }
  return found;
}

// The trace as one line that goes from the least to the greatest value of every bin: many times
// cheaper to draw than an outline that is filled. The series after it holds the least values.
function extremesPath(chart, series, first, last) {
  const [xs, high, low] = [chart.data[0], chart.data[series], chart.data[series + 1]];
  const { bbox, scales } = chart;
  const across = bbox.width / (scales.x.max - scales.x.min);
  const up = bbox.height / (scales.y.max - scales.y.min);
  const y = (value) => bbox.top + bbox.height - (value - scales.y.min) * up;
  const stroke = new Path2D();
  let open = false;
  for (let bin = first; bin <= last; bin += 1) {
    if (high[bin] === null) {
      open = false;
      continue;
    }
    const x = bbox.left + (xs[bin] - scales.x.min) * across;
    const top = y(high[bin]);
    if (open) stroke.lineTo(x, top);
    else stroke.moveTo(x, top);
    // A value between two gaps would be a line without length.
    if (low[bin] !== null) stroke.lineTo(x, y(low[bin]) + 0.5);
    else if (!open) stroke.lineTo(x + 0.5, top);
    open = true;
  }
  return { stroke, fill: null, clip: null, band: null, gaps: null, flags: 1 };
}

export class Plots {
  constructor(app) {
    this.app = app;
    this.panels = [];
    this.bind();
  }

  build() {
    for (const panel of this.panels) panel.chart?.destroy();
    const home = byId("panels");
    const { tables } = this.app;
    home.replaceChildren();
    home.classList.toggle("two", tables.length > 1);
    if (tables.length > 1) {
      for (const table of tables) {
        home.append(make("h2", table.name));
      }
    }
    const width = Math.floor(home.clientWidth / tables.length) - (tables.length > 1 ? 4 : 0) - 2;
    this.width = Math.max(160, width);
    this.inner = this.width - LEFT - RIGHT;
    // As tall as lets every column be seen at once, within reason.
    const each = Math.floor(home.clientHeight / Math.max(1, this.app.columns.length)) - AROUND;
    this.tall = Math.min(MOST_TALL, Math.max(LEAST_TALL, each));
    this.panels = this.app.columns.flatMap((column) =>
      tables.map((table) => this.panel(home, table, column)));
    this.shown = new Map();
    this.ranges = new Map();
  }

  panel(home, table, name) {
    const element = make("div", "", "panel");
    home.append(element);
    const column = table.byName.get(name);
    const title = make("div", "", "name");
    title.append(make("b", name));
    element.append(title);
    if (!column) {
      element.append(make("div", "not in this table", "none"));
      return { element, table, name, column };
    }
    title.append(make("small", [column.unit && `[${column.unit}]`, column.meaning].join(" ")));
    title.title = column.meaning;
    const values = make("span", "", "values");
    title.append(values);
    const subjects = this.app.chosen(table);
    for (const subject of subjects) {
      const told = make("span");
      told.style.color = subjects.length > 1 ? this.app.colour(table, subject) : "";
      values.append(told);
    }
    const panel = { element, table, name, column, subjects, values, quality: [] };
    panel.chart = new uPlot(this.options(panel), [[], ...this.seriesOf(panel).map(() => [])], element);
    for (const kind of ["marked", "now"]) {
      panel[kind] = make("div", "", kind);
      panel[kind].hidden = true;
      element.append(panel[kind]);
    }
    return panel;
  }

  seriesOf({ table, subjects, column }) {
    return subjects.flatMap((subject) => {
      const stroke = this.app.colour(table, subject);
      const line = { stroke, width: 1, points: { show: false }, paths: extremesPath };
      const least = { show: false };
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      return column.band ? [edge, edge, line, least] : [line, least];
    });
  }

  options(panel) {
    const { tint } = this.app;
    const axis = { stroke: tint("soft"), grid: { stroke: tint("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const bands = panel.column.band ? panel.subjects.map((subject, place) => ({
      series: [1 + 4 * place, 2 + 4 * place],
      fill: this.app.colour(panel.table, subject).replace(")", " / 25%)"),
    })) : [];
    return {
      width: this.width,
      height: this.tall,
      padding: [4, RIGHT, 4, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: "facekit" } },
      scales: {
        x: { time: false, range: () => [this.app.view.start, this.app.view.end] },
        y: { range: () => this.rangeOf(panel.name) },
      },
      axes: [
        // The strip above the panels has the times; here they are lines alone.
        { ...axis, size: 0, splits: () => timeTicks(this.app, this.inner), values: () => [] },
        { ...axis, size: LEFT, space: 24 },
      ],
      series: [{}, ...this.seriesOf(panel)],
      bands,
      hooks: { drawClear: [(chart) => this.shade(chart, panel)] },
    };
  }

  shade(chart, panel) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [start, end, kind, share] of panel.quality) {
      if (end < this.app.view.start || start > this.app.view.end) continue;
      const left = chart.valToPos(start, "x", true);
      ctx.globalAlpha = share;
      ctx.fillStyle = this.app.tint(kind);
      ctx.fillRect(left, bbox.top, Math.max(1, chart.valToPos(end, "x", true) - left), bbox.height);
    }
    ctx.restore();
  }

  // The same for every table, so that two can be compared by eye.
  rangeOf(name) {
    const column = this.app.tables.map((table) => table.byName.get(name)).find(Boolean);
    if (/^AU\d\d/.test(name) && column.low !== null && column.high !== null) {
      return [column.low, column.high];
    }
    const [low, high] = this.ranges.get(name) || [Infinity, -Infinity];
    if (!(high >= low)) return [column.low ?? 0, column.high ?? 1];
    const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
    return [low - margin, high + margin];
  }

  // Bring every panel to the present view, with new data where it is here.
  update() {
    for (const table of this.app.tables) this.fill(table);
    const { start, end } = this.app.view;
    for (const { chart } of this.panels) chart?.setScale("x", { min: start, max: end });
    this.placeCursor();
  }

  fill(table) {
    const panels = this.panels.filter((panel) => panel.table === table && panel.chart);
    if (!panels.length || !table.frames) return;
    const { start, end } = this.app.view;
    const margin = (end - start) / 4;
    const level = table.levelFor(start, end, this.inner * BINS_PER_PIXEL);
    const pieces = table.piecesFor(level, start - margin, end + margin);
    const key = `${level}/${pieces.join(",")}`;
    if (this.shown.get(table) === key) return;
    const names = panels.map((panel) => panel.name);
    const subjects = panels[0].subjects;
    // Everything is asked for before anything is waited for.
    const times = pieces.map((piece) => table.times(level, piece));
    const series = subjects.map((who) => pieces.map((piece) => table.series(who, names, level, piece)));
    const quality = subjects.map((who) => pieces.map((piece) => table.quality(who, level, piece)));
    if ([...times, ...series.flat(), ...quality.flat()].includes(null)) return;
    const x = joined(times.map((part) => Array.from(part)));
    const bad = quality.map((parts) => ({
      low: joined(parts.map((part) => Array.from(part.low))),
      absent: joined(parts.map((part) => Array.from(part.absent))),
    }));
    const shades = bad.length ? stretches(x, bad) : [];
    panels.forEach((panel, place) => {
      const fields = panel.column.band ? ["bandHigh", "bandLow", "high", "low"] : ["high", "low"];
      const data = series.flatMap((parts) =>
        fields.map((field) => (level === 0 && field === "low"
          // Where each bin is one frame, the lower edge is the upper one.
          ? new Array(x.length).fill(null)
          : joined(parts.map((part) => withGaps(part[place][field]))))));
      panel.quality = shades;
      panel.data = [x, ...data];
      this.widen(panel);
    });
    for (const panel of panels) panel.chart.setData(panel.data, false);
    this.shown.set(table, key);
    this.level = level;
    if (!this.painted && subjects.length) this.firstPaint();
  }

  firstPaint() {
    this.painted = true;
    // The frame after the one that draws is the first that can be seen.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      document.body.dataset.firstPaintMs = performance.now().toFixed(1);
    }));
  }

  // Ranges grow over what was seen, so that a trace does not jump while one pans.
  widen(panel) {
    let [low, high] = this.ranges.get(panel.name) || [Infinity, -Infinity];
    for (const values of panel.data.slice(1)) {
      for (const value of values) {
        if (value === null) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    this.ranges.set(panel.name, [low, high]);
  }

  placeCursor() {
    const { view, time, marked, place, table } = this.app;
    const x = (at) => LEFT + ((at - view.start) / (view.end - view.start)) * this.inner;
    const clipped = (at) => Math.min(LEFT + this.inner, Math.max(LEFT, x(at)));
    for (const panel of this.panels) {
      if (!panel.chart) continue;
      panel.now.hidden = time < view.start || time > view.end;
      panel.now.style.transform = `translateX(${x(time).toFixed(2)}px)`;
      panel.marked.hidden = !marked || marked[1] < view.start || marked[0] > view.end;
      if (marked) {
        const [left, right] = marked.map(clipped);
        panel.marked.style.transform = `translateX(${left.toFixed(2)}px) scaleX(${(right - left).toFixed(2)})`;
      }
      const at = panel.table === table ? place : panel.table.placeAt(time);
      if (at !== null) this.tell(panel, at);
    }
  }

  tell(panel, place) {
    const { table, column } = panel;
    panel.subjects.forEach((subject, nth) => {
      const row = table.row(subject, place);
      const value = row ? table.value(row, panel.name) : NaN;
      const spread = row ? table.value(row, `${panel.name}_sd`) : NaN;
      const digits = column.digits ?? 0;
      const around = Number.isNaN(spread) ? "" : ` ± ${spread.toFixed(digits)}`;
      const words = Number.isNaN(value) ? "" : `${value.toFixed(digits)}${around}`;
      const told = panel.values.children[nth];
      if (told.textContent !== words) told.textContent = words;
    });
  }

  bind() {
    const home = byId("panels");
    const timeAt = (event, over) => {
      const box = over.getBoundingClientRect();
      const { start, end } = this.app.view;
      return start + ((event.clientX - box.left) / box.width) * (end - start);
    };
    home.addEventListener("wheel", (event) => {
      const over = event.target.closest(".u-over");
      if (!over) return;
      event.preventDefault();
      const { start, end } = this.app.view;
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const shift = (sideways / this.inner) * (end - start);
        this.app.setView(start + shift, end + shift);
      } else this.app.zoom(1.0015 ** event.deltaY, timeAt(event, over));
    }, { passive: false });
    home.addEventListener("dblclick", () => this.app.setView(this.app.start, this.app.end));
    home.addEventListener("pointerdown", (event) => {
      const over = event.target.closest(".u-over");
      if (!over || event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      const [began, first] = [event.clientX, timeAt(event, over)];
      const { start, end } = this.app.view;
      let moved = false;
      over.onpointermove = (now) => {
        moved ||= Math.abs(now.clientX - began) > 3;
        if (!moved) return;
        if (event.shiftKey) this.app.mark(first, timeAt(now, over));
        else {
          const shift = ((began - now.clientX) / this.inner) * (end - start);
          this.app.setView(start + shift, end + shift);
        }
      };
      over.onpointerup = () => {
        over.onpointermove = null;
        over.onpointerup = null;
        if (!moved) this.app.seek(first);
      };
    });
  }
}
