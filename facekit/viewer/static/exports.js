// What can be taken away: the marked rows as CSV, the plots as SVG.

import { tickLabel, timeTicks } from "./page.js";

const [WIDTH, TALL, LEFT, RIGHT, TOP, GAP] = [900, 110, 60, 16, 18, 30];
const [INK, SOFT, GRID] = ["#1b1f24", "#5b6570", "#e2e6ea"];
const SHADES = { low: "#d98c00", absent: "#8a94a0" };

function save(name, href) {
  const link = Object.assign(document.createElement("a"), { download: name, href });
  link.click();
}

// The rows of the mark (of the view without one) of every table, as the server writes them.
export function saveRows(app) {
  const [from, to] = app.marked || [app.view.start, app.view.end];
  for (const table of app.tables) {
    const subjects = app.chosen(table).join(",");
    if (!subjects) continue;
    const query = new URLSearchParams({ table: table.number, from, to, subjects });
    save("", `selection.csv?${query}`);
  }
}

export function savePlots(app) {
  const picture = drawPlots(app);
  const href = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
  save(`${app.table.name.replace(/\.\w+$/, "")}.svg`, href);
  setTimeout(() => URL.revokeObjectURL(href), 10000);
}

const escaped = (words) => new Option(words).innerHTML.replaceAll('"', "&quot;");
const text = (x, y, words, more = "") => `<text x="${x}" y="${y}" ${more}>${escaped(words)}</text>`;

function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(at);
  return found;
}

// Paths between two lines, one for each stretch without gaps.
function ribbons(xs, upper, lower, x, y) {
  const paths = [];
  let run = [];
  const close = () => {
    if (!run.length) return;
    const along = (values, order) => order.map((nth) => `${x(xs[nth]).toFixed(2)} ${y(values[nth]).toFixed(2)}`).join("L");
    paths.push(`M${along(upper, run)}L${along(lower, [...run].reverse())}Z`);
    run = [];
  };
  xs.forEach((_, nth) => {
    if (upper[nth] === null || lower[nth] === null) close();
    else run.push(nth);
  });
  close();
  return paths.join("");
}

function drawPanel(app, panel, top) {
  const { start, end } = app.view;
  const [low, high] = app.plots.rangeOf(panel.name);
  const x = (time) => LEFT + ((time - start) / (end - start)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => top + TOP + (1 - (value - low) / (high - low)) * TALL;
  const [all, ...lines] = panel.data;
  const first = Math.max(0, all.findIndex((time) => time >= start) - 1);
  const past = all.findIndex((time) => time > end);
  const cut = (values) => values.slice(first, past < 0 ? undefined : past + 1);
  const xs = cut(all);
  const clip = `clip${panel.table.number}_${app.plots.panels.indexOf(panel)}`;
  const parts = [
    `<clipPath id="${clip}"><rect x="${LEFT}" y="${top + TOP}" width="${WIDTH - LEFT - RIGHT}" height="${TALL}"/></clipPath>`,
    text(LEFT, top + 12, `${panel.name}${panel.column.unit ? ` [${panel.column.unit}]` : ""}`, `font-weight="bold" fill="${INK}"`),
  ];
  for (const at of ticks(low, high, 4)) {
    parts.push(`<path d="M${LEFT} ${y(at).toFixed(2)}H${WIDTH - RIGHT}" stroke="${GRID}"/>`);
    parts.push(text(LEFT - 6, (y(at) + 4).toFixed(2), String(Number(at.toPrecision(6))), `text-anchor="end" fill="${SOFT}"`));
  }
  parts.push(`<g clip-path="url(#${clip})">`);
  for (const [from, to, kind, share] of panel.quality) {
    if (to < start || from > end) continue;
    parts.push(`<rect x="${x(from).toFixed(2)}" y="${top + TOP}" width="${Math.max(0.5, x(to) - x(from)).toFixed(2)}" height="${TALL}" fill="${SHADES[kind]}" fill-opacity="${(share * 0.25).toFixed(3)}"/>`);
  }
  const step = panel.column.band ? 4 : 2;
  panel.subjects.forEach((subject, nth) => {
    const colour = app.colour(panel.table, subject, false);
    const mine = lines.slice(nth * step, (nth + 1) * step).map(cut);
    if (step === 4) parts.push(`<path d="${ribbons(xs, mine[0], mine[1], x, y)}" fill="${colour}" fill-opacity="0.22"/>`);
    const [top2, bottom2] = mine.slice(-2);
    const lower = app.plots.level === 0 ? top2 : bottom2;
    parts.push(`<path d="${ribbons(xs, top2, lower, x, y)}" fill="${colour}" stroke="${colour}" stroke-width="1" stroke-linejoin="round"/>`);
  });
  if (app.marked) {
    const [from, to] = app.marked;
    parts.push(`<rect x="${x(from).toFixed(2)}" y="${top + TOP}" width="${(x(to) - x(from)).toFixed(2)}" height="${TALL}" fill="#0b63c5" fill-opacity="0.13"/>`);
  }
  parts.push("</g>", `<rect x="${LEFT}" y="${top + TOP}" width="${WIDTH - LEFT - RIGHT}" height="${TALL}" fill="none" stroke="${SOFT}"/>`);
  return parts.join("\n");
}

function timeAxis(app, top) {
  const { start, end } = app.view;
  const found = timeTicks(app, WIDTH - LEFT - RIGHT);
  return found.map((at) => {
    const x = LEFT + ((at - start) / (end - start)) * (WIDTH - LEFT - RIGHT);
    return text(x.toFixed(2), top, tickLabel(app, found, at), `text-anchor="middle" fill="${SOFT}"`);
  }).join("\n");
}

// The plots of the present view as one picture, on white, for print.
export function drawPlots(app) {
  const { tables } = app;
  const rows = app.columns.length;
  const height = 30 + rows * (TOP + TALL + 8) + GAP;
  const parts = [];
  tables.forEach((table, place) => {
    const panels = app.plots.panels.filter((panel) => panel.table === table);
    parts.push(`<g transform="translate(${place * WIDTH} 0)">`);
    parts.push(text(LEFT, 20, `${table.name} · ${[...app.who].join(", ")}`, `fill="${INK}" font-size="13"`));
    panels.forEach((panel, nth) => {
      if (panel.data) parts.push(drawPanel(app, panel, 30 + nth * (TOP + TALL + 8)));
    });
    parts.push(timeAxis(app, height - 12), "</g>");
  });
  const width = WIDTH * tables.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="11">
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}
