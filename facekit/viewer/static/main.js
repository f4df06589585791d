// The page: what is chosen, what moment is shown, and who draws it.

import { load } from "./data.js";
import { EventList } from "./events.js";
import { saveRows, savePlots } from "./exports.js";
import { Face } from "./face.js";
import { bindKeys } from "./keys.js";
import { measure } from "./measure.js";
import { byId, clock } from "./page.js";
import { columnMenu, subjectMenu } from "./picker.js";
import { Plots } from "./plots.js";
import { Stage } from "./stage.js";
import { Axis, Lanes, Overview } from "./strips.js";

const SHORTEST_VIEW = 0.2;

class App {
  constructor(about) {
    this.about = about;
    this.tables = about.tables;
    this.table = about.tables[0];
    this.start = Math.min(...this.tables.map((table) => table.start));
    this.end = Math.max(...this.tables.map((table) => table.end));
    if (!(this.end > this.start)) this.end = this.start + 1;
    this.view = { start: this.start, end: this.end };
    this.place = 0;
    this.time = this.table.start;
    this.marked = null;
    this.pending = false;
    this.columns = this.table.first_columns;
    this.who = new Set([this.table.subjects[this.table.first_subject]?.label].filter(Boolean));
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.tint = (name) => this.tints[name];
  }

  // The page's colours, which asking for each time would cost more than drawing.
  readTints() {
    const style = getComputedStyle(document.documentElement);
    this.tints = Object.fromEntries(["ink", "soft", "grid", "line", "low", "absent", "accent", "card"]
      .map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  begin() {
    this.readTints();
    this.face = new Face(this);
    this.stage = new Stage(this);
    this.plots = new Plots(this);
    this.overview = new Overview(this);
    this.lanes = new Lanes(this);
    this.axis = new Axis(this);
    this.list = new EventList(this);
    byId("title").textContent = this.tables.map((table) => table.name).join("  |  ");
    const notes = [...this.about.notes, ...this.tables.flatMap((table) => table.warnings)];
    byId("notes").textContent = notes.length ? `⚠ ${notes.join("; ")}` : "";
    byId("notes").title = notes.join("\n");
    subjectMenu(this);
    columnMenu(this);
    this.bindButtons();
    bindKeys(this);
    this.dark.addEventListener("change", () => this.rebuild());
    new ResizeObserver(() => this.rebuild()).observe(byId("panels"));
    this.rebuild();
    this.fromLink();
  }

  bindButtons() {
    byId("csv").onclick = () => saveRows(this);
    byId("svg").onclick = () => savePlots(this);
    byId("help").onclick = () => byId("keys").showModal();
    byId("link").onclick = () => navigator.clipboard.writeText(this.linkHere());
    byId("in").onclick = () => this.zoom(0.5);
    byId("out").onclick = () => this.zoom(2);
    byId("all").onclick = () => this.setView(this.start, this.end);
    byId("mark-in").onclick = () => this.markFrom();
    byId("mark-out").onclick = () => this.markTo();
    for (const menu of document.querySelectorAll("details")) {
      document.addEventListener("pointerdown", (event) => {
        if (!menu.contains(event.target)) menu.open = false;
      });
    }
  }

  // The chosen subjects of a table, by their place in it.
  chosen(table) {
    return table.subjects.flatMap((who, place) => (this.who.has(who.label) ? [place] : []));
  }

  // A subject's colour: bright over the video and on dark pages, darker on light ones.
  colour(table, subject, bright = this.dark.matches) {
    const { colours } = this.about;
    const [red, green, blue] = colours[table.subjects[subject].colour % colours.length];
    const share = bright ? 1 : 0.62;
    return `rgb(${Math.round(red * share)} ${Math.round(green * share)} ${Math.round(blue * share)})`;
  }

  setView(start, end) {
    const whole = this.end - this.start;
    const span = Math.min(whole, Math.max(Math.min(SHORTEST_VIEW, whole), end - start));
    const from = Math.max(this.start, Math.min(this.end - span, (start + end - span) / 2));
    this.view = { start: from, end: from + span };
    this.refresh();
  }

  // Make the view `factor` times as long around a time, which stays where it is.
  zoom(factor, around = this.time) {
    const { start, end } = this.view;
    const fixed = Math.min(end, Math.max(start, around));
    this.setView(fixed - (fixed - start) * factor, fixed + (end - fixed) * factor);
  }

  seek(time) {
    this.still = false;
    this.stage.seek(Math.min(this.table.end, Math.max(this.table.start, time)));
  }

  // A frame of the first table is shown: everything else follows.
  shown(place, time) {
    this.place = place;
    this.time = time;
    const { start, end } = this.view;
    if (!this.still && (time < start || time > end)) {
      const lead = (end - start) * 0.1;
      this.setView(time - lead, time - lead + (end - start));
    }
    byId("clock").textContent = this.table.unit === "s"
      ? `${clock(time)} / ${clock(this.table.end)}`
      : `image ${this.table.frameOf(place)}`;
    this.plots.placeCursor();
    this.overview.draw();
    this.list.follow(time);
    this.remember();
  }

  mark(from, to) {
    this.marked = from === to ? null : [Math.min(from, to), Math.max(from, to)];
    byId("marked").textContent = this.marked
      ? `marked ${clock(this.marked[0])} – ${clock(this.marked[1])}` : "";
    this.plots.placeCursor();
    this.remember();
  }

  markFrom() {
    this.mark(this.time, this.marked && this.marked[1] > this.time ? this.marked[1] : this.view.end);
  }

  markTo() {
    this.mark(this.marked && this.marked[0] < this.time ? this.marked[0] : this.view.start, this.time);
  }

  chooseColumns(names) {
    this.columns = names;
    columnMenu(this);
    this.rebuild();
  }

  chooseSubjects(labels) {
    this.who = new Set(labels);
    subjectMenu(this);
    this.list.rebuild();
    this.rebuild();
  }

  // Begin the panels anew, since what they show or where has changed.
  rebuild() {
    this.stale = true;
    this.refresh();
  }

  // Draw what has changed, at the screen's next frame.
  refresh() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      if (this.stale) {
        this.readTints();
        this.plots.build();
        this.arrived = true;
      }
      this.stale = false;
      this.plots.update();
      this.overview.draw();
      this.lanes.draw();
      this.axis.draw();
      if (this.arrived) this.stage.draw();
      this.arrived = false;
      this.remember();
    });
  }

  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => history.replaceState(null, "", this.linkHere()), 400);
  }

  linkHere() {
    const state = new URLSearchParams({
      t: this.time.toFixed(6),
      from: this.view.start.toFixed(3),
      to: this.view.end.toFixed(3),
      columns: this.columns.join(","),
      who: [...this.who].join(","),
    });
    if (this.marked) state.set("marked", this.marked.map((time) => time.toFixed(6)).join(","));
    return `${location.href.split("#")[0]}#${state}`;
  }

  fromLink() {
    const state = new URLSearchParams(location.hash.slice(1));
    const number = (name, other) => {
      const value = parseFloat(state.get(name));
      return Number.isFinite(value) ? value : other;
    };
    const known = new Set(this.tables.flatMap((t) => t.columns.map((column) => column.name)));
    const labels = new Set(this.tables.flatMap((t) => t.subjects.map((who) => who.label)));
    const listed = (name, among) => (state.get(name) || "").split(",").filter((n) => among.has(n));
    if (listed("columns", known).length) this.chooseColumns(listed("columns", known));
    if (listed("who", labels).length) this.chooseSubjects(listed("who", labels));
    this.setView(number("from", this.start), number("to", this.end));
    const marked = (state.get("marked") || "").split(",").map(parseFloat);
    if (marked.length === 2 && marked.every(Number.isFinite)) this.mark(...marked);
    this.seek(number("t", this.about.at_s || this.table.start));
    // The link's view holds until one plays or goes elsewhere.
    this.still = state.has("from");
  }
}

let app;
load(() => {
  app.arrived = true;
  app.refresh();
}).then(
  (about) => {
    app = new App(about);
    app.begin();
    // What the tests and a curious reader may look at.
    window.facekit = {
      app,
      measure: (seconds) => measure(app, seconds),
      state: () => app.stage.state(),
    };
  },
  (error) => {
    byId("notes").textContent = `⚠ ${error.message}`;
  },
);
