// The keyboard, as in video players.

import { saveRows, savePlots } from "./exports.js";
import { measure } from "./measure.js";
import { byId, make } from "./page.js";

const keys = (app) => [
  [["Space", "k"], "play or pause", () => app.stage.toggle(), " k"],
  [["←", "→"], "5 seconds back, on", (key) => app.seek(app.time + (key === "ArrowLeft" ? -5 : 5)), ["ArrowLeft", "ArrowRight"]],
  [["j", "l"], "10 seconds back, on", (key) => app.seek(app.time + (key === "j" ? -10 : 10)), "jl"],
  [[",", "."], "one frame back, on", (key) => app.stage.step(key === "," ? -1 : 1), ",."],
  [["Home", "End"], "first frame, last frame", (key) => app.seek(key === "Home" ? app.start : app.end), ["Home", "End"]],
  [["0", "9"], "to tenths of the table", (key) => app.seek(app.start + (Number(key) / 10) * (app.end - app.start)), "0123456789"],
  [["<", ">"], "slower, faster", (key) => app.stage.changeSpeed(key === "<" ? -1 : 1), "<>"],
  [["m"], "sound off or on", () => { app.stage.video.muted = !app.stage.video.muted; }, "m"],
  [["f"], "video over the whole screen", () => (document.fullscreenElement ? document.exitFullscreen() : byId("stage").requestFullscreen()), "f"],
  [["p", "n"], "event before, next event", (key) => app.list.hop(key === "n" ? 1 : -1), "pn"],
  [["i", "o"], "mark from here, to here", (key) => (key === "i" ? app.markFrom() : app.markTo()), "io"],
  [["Esc"], "remove the mark", () => app.mark(0, 0), ["Escape"]],
  [["+", "−"], "zoom in, out", (key) => app.zoom("+=".includes(key) ? 0.5 : 2), "+=-"],
  [["a"], "the whole table", () => app.setView(app.start, app.end), "a"],
  [["e"], "save the marked rows as CSV", () => saveRows(app), "e"],
  [["s"], "save the plots as SVG", () => savePlots(app), "s"],
  [["?"], "this list", () => byId("keys").showModal(), "?"],
];

const MOUSE = [
  ["wheel", "zoom where the pointer is; with Shift, move"],
  ["drag", "move; with Shift, mark a stretch"],
  ["click", "go there; double click: the whole table"],
];

export function bindKeys(app) {
  const actions = new Map();
  const list = byId("key-list");
  for (const [names, meaning, act, pressed] of keys(app)) {
    for (const key of pressed) actions.set(key, act);
    const cell = make("span");
    for (const name of names) cell.append(make("kbd", name), " ");
    list.append(cell, make("span", meaning));
  }
  for (const [name, meaning] of MOUSE) list.append(make("span", name), make("span", meaning));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    if (event.target.closest("input, select, textarea")) return;
    const act = actions.get(event.key);
    if (!act) return;
    event.preventDefault();
    // A button that was clicked must not be pressed again by Space.
    document.activeElement?.blur();
    act(event.key);
  });
  const button = make("button", "Measure how fluid this page is");
  button.onclick = async () => {
    byId("keys").close();
    await measure(app, 3);
    byId("keys").showModal();
  };
  byId("keys").querySelector("form").prepend(button);
  byId("keys").addEventListener("toggle", () => {
    const { firstPaintMs, fps } = document.body.dataset;
    byId("performance").textContent = [
      firstPaintMs && `First traces after ${(firstPaintMs / 1000).toFixed(2)} s.`,
      fps && `Panning and zooming: ${fps} pictures per second.`,
    ].filter(Boolean).join(" ");
  });
}
