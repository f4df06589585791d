// The events beside a table as a list: only the lines that are seen exist.

import { askJson } from "./data.js";
import { byId, clock, make } from "./page.js";

const LINE = 26;
const LEAD_SHARE = 0.5;

export class EventList {
  constructor(app) {
    this.app = app;
    this.events = [];
    this.lines = new Map();
    this.table = app.tables.find((table) => table.events !== null);
    if (!this.table) return;
    byId("events").hidden = false;
    document.querySelector("main").classList.add("with-events");
    byId("event-list").onscroll = () => this.draw();
    byId("event-kind").onchange = () => {
      this.rebuild();
      app.refresh();
    };
    new ResizeObserver(() => this.draw()).observe(byId("event-list"));
    askJson("events.json", { table: this.table.number }).then((events) => {
      this.events = events;
      this.kinds();
      this.rebuild();
      app.refresh();
    });
  }

  kinds() {
    const counts = new Map();
    for (const { kind } of this.events) counts.set(kind, (counts.get(kind) || 0) + 1);
    const menu = byId("event-kind");
    menu.add(new Option(`all kinds (${this.events.length})`, ""));
    for (const [kind, count] of [...counts].sort()) menu.add(new Option(`${kind} (${count})`, kind));
  }

  // Events of the chosen kind and subjects; those of nobody in the table are always there.
  chosen() {
    return this.listed || [];
  }

  rebuild() {
    if (!this.table) return;
    const who = new Set(this.app.chosen(this.table));
    const kind = byId("event-kind").value;
    this.listed = this.events.filter((event) =>
      (!kind || event.kind === kind) && (event.subject === null || who.has(event.subject)));
    const space = byId("event-space");
    space.style.height = `${this.listed.length * LINE}px`;
    space.replaceChildren();
    this.lines.clear();
    this.current = undefined;
    this.draw();
  }

  words(event) {
    const peak = Number.isFinite(event.peak) ? `peak ${event.peak.toFixed(2)}` : "";
    const length = `${(event.offset_s - event.onset_s).toFixed(2)} s`;
    return [event.kind, event.side, length, peak].filter(Boolean).join(" · ");
  }

  draw() {
    const home = byId("event-list");
    const first = Math.max(0, Math.floor(home.scrollTop / LINE) - 4);
    const last = Math.min(this.listed?.length ?? 0, first + Math.ceil(home.clientHeight / LINE) + 8);
    for (const [place, line] of this.lines) {
      if (place >= first && place < last) continue;
      line.remove();
      this.lines.delete(place);
    }
    for (let place = first; place < last; place += 1) {
      if (!this.lines.has(place)) this.lines.set(place, this.line(place));
    }
  }

  line(place) {
    const event = this.listed[place];
    const line = make("div", "", place === this.current ? "event current" : "event");
    line.style.top = `${place * LINE}px`;
    const several = this.app.who.size > 1 && event.subject !== null;
    const who = several ? this.table.subjects[event.subject].label : "";
    line.append(make("span", clock(event.onset_s, 2)), make("span", this.words(event)), make("small", who));
    line.title = Object.entries(event).filter(([name, value]) => value !== null && name !== "subject")
      .map(([name, value]) => `${name} ${value}`).join("\n");
    line.onclick = () => this.go(event);
    byId("event-space").append(line);
    return line;
  }

  // To an event's apex, or its onset where it has none, with the whole event in view.
  go(event) {
    const { app } = this;
    const { start, end } = app.view;
    if (event.onset_s < start || event.offset_s > end) {
      const span = Math.max(end - start, (event.offset_s - event.onset_s) * 2);
      const middle = (event.onset_s + event.offset_s) / 2;
      app.setView(middle - span * LEAD_SHARE, middle + span * (1 - LEAD_SHARE));
    }
    app.seek(Number.isFinite(event.apex_s) ? event.apex_s : event.onset_s);
  }

  // The next event (or the one before) by its moment.
  hop(direction) {
    const moment = (event) => (Number.isFinite(event.apex_s) ? event.apex_s : event.onset_s);
    const { table, place, time } = this.app;
    // An event at this frame's moment may lie anywhere up to the next frame.
    const next = place + 1 < table.frames ? table.timeOf(place + 1) ?? time : Infinity;
    const among = this.chosen().filter((event) =>
      (direction > 0 ? moment(event) >= next - 1e-6 : moment(event) < time - 1e-6));
    among.sort((a, b) => (moment(a) - moment(b)) * direction);
    if (among.length) this.go(among[0]);
  }

  // Show which event the present moment lies in.
  follow(time) {
    if (!this.listed) return;
    const inside = (event) => event.onset_s <= time && time <= event.offset_s;
    if (this.current !== undefined && this.listed[this.current] && inside(this.listed[this.current])) return;
    const place = this.listed.findIndex(inside);
    const found = place < 0 ? undefined : place;
    if (found === this.current) return;
    this.lines.get(this.current)?.classList.remove("current");
    this.current = found;
    if (found === undefined) return;
    const home = byId("event-list");
    const top = found * LINE;
    if (top < home.scrollTop || top > home.scrollTop + home.clientHeight - LINE) {
      home.scrollTop = Math.max(0, top - home.clientHeight / 2);
    }
    this.lines.get(found)?.classList.add("current");
  }
}
