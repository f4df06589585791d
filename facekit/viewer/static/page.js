// Small things that every part of the page uses.

const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600,
  900, 1800, 3600, 7200, 14400, 43200, 86400,
];

export const byId = (id) => document.getElementById(id);

export function make(tag, words = "", className = "") {
  return Object.assign(document.createElement(tag), { textContent: words, className });
}

// Seconds as a player shows them: 1:02:03.040.
export function clock(seconds, digits = 3) {
  const sign = seconds < 0 ? "−" : "";
  const scale = 10 ** digits;
  const whole = Math.round(Math.abs(seconds) * scale);
  const part = digits ? `.${String(whole % scale).padStart(digits, "0")}` : "";
  const total = Math.floor(whole / scale);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  return `${sign}${hours ? `${hours}:${two(minutes)}` : minutes}:${two(total % 60)}${part}`;
}

// Round times, at most so many that their labels fit into a width.
export function timeTicks(app, width) {
  const { start, end } = app.view;
  const rough = ((end - start) * 80) / width;
  const step = STEPS.find((one) => one >= rough) || STEPS.at(-1);
  const count = Math.floor(end / step) - Math.ceil(start / step) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, nth) => (Math.ceil(start / step) + nth) * step);
}

// A time as its tick is called: as many decimals as tell it from its neighbour.
export function tickLabel(app, ticks, at) {
  if (app.table.unit !== "s") return String(Math.round(at));
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
  return clock(at, step < 0.0095 ? 3 : step < 0.095 ? 2 : step < 0.95 ? 1 : 0);
}
