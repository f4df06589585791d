// A drawn face between bars of its action units: the subject's right on the left, as in the video.

import { byId } from "./page.js";

const SPACE = "http://www.w3.org/2000/svg";
const LINE = 16;
const BAR = 104;
const MOST = 5;
const MIDDLE = 230;
const INNER = 66;
// Where each unit acts: distance from the middle line and height, for a face of 100 by 100.
const SITES = {
  AU01: [8, 18], AU02: [27, 17], AU04: [7, 26], AU05: [19, 29], AU06: [27, 46], AU07: [19, 40],
  AU09: [5, 47], AU10: [8, 62], AU12: [20, 68], AU14: [26, 72], AU15: [18, 78], AU16: [0, 80],
  AU17: [0, 91], AU18: [0, 66], AU20: [24, 77], AU22: [0, 70], AU23: [0, 72], AU24: [0, 74],
  AU25: [0, 73], AU26: [0, 85], AU28: [0, 76], AU43: [19, 34],
};

function draw(parent, tag, attributes, words) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (words !== undefined) element.textContent = words;
  parent.append(element);
  return element;
}

export class Face {
  constructor(app) {
    this.app = app;
    const { table } = app;
    const units = app.about.units.filter(({ code }) => table.rowPlace.has(code));
    byId("face").hidden = units.length === 0;
    if (!units.length) return;
    const sided = units.filter(({ code }) =>
      table.rowPlace.has(`${code}_left`) && table.rowPlace.has(`${code}_right`));
    this.build(sided, units.filter((unit) => !sided.includes(unit)));
  }

  build(sided, single) {
    const top = 18;
    const faceTall = Math.max(130, sided.length * LINE);
    const below = top + faceTall + 10;
    const height = below + Math.ceil(single.length / 2) * LINE + 4;
    const svg = draw(byId("face"), "svg", { viewBox: `0 0 460 ${height}`, role: "img" });
    this.title = draw(svg, "title", {}, "Action units");
    this.head = draw(svg, "text", { x: MIDDLE, y: 11, "text-anchor": "middle", class: "soft" });
    this.updates = [];
    this.drawFace(svg, top, faceTall);
    const scale = (faceTall - 16) / 100;
    const at = (code, side) => {
      const [across, down] = SITES[code];
      return { cx: MIDDLE + side * across * 1.05, cy: top + 8 + down * scale };
    };
    if (sided.length) {
      draw(svg, "text", { x: 40, y: 11, class: "soft" }, "subject's right");
      draw(svg, "text", { x: 420, y: 11, "text-anchor": "end", class: "soft" }, "left");
    }
    sided.forEach((unit, nth) => {
      const y = top + nth * LINE;
      this.bar(svg, unit, `${unit.code}_right`, MIDDLE - INNER, y, -1, at(unit.code, -1));
      this.bar(svg, unit, `${unit.code}_left`, MIDDLE + INNER, y, 1, at(unit.code, 1));
    });
    single.forEach((unit, nth) => {
      const y = below + Math.floor(nth / 2) * LINE;
      this.bar(svg, unit, unit.code, nth % 2 ? 280 : 52, y, 1, at(unit.code, 0));
    });
  }

  drawFace(svg, top, tall) {
    const scale = (tall - 16) / 100;
    const group = draw(svg, "g", {
      class: "drawn",
      transform: `translate(${MIDDLE} ${top + 8}) scale(1.05 ${scale})`,
    });
    const path = (d) => draw(group, "path", { d, "vector-effect": "non-scaling-stroke" });
    path("M0 0C-44 0-46 40-40 62C-35 82-20 100 0 100C20 100 35 82 40 62C46 40 44 0 0 0Z");
    for (const side of [-1, 1]) {
      const x = (value) => side * value;
      path(`M${x(6)} 24Q${x(18)} 16 ${x(31)} 23`);
      path(`M${x(10)} 35Q${x(19)} 28 ${x(28)} 35Q${x(19)} 41 ${x(10)} 35Z`);
      path(`M${x(3)} 34L${x(8)} 56Q${x(4)} 60 0 58`);
    }
    path("M-18 73Q-7 67 0 70Q7 67 18 73Q0 84-18 73ZM-18 73Q0 76 18 73");
  }

  // One bar that grows from x to the given side, its number and code, and its place on the face.
  bar(svg, unit, name, x, y, side, site) {
    const lone = name === unit.code;
    const group = draw(svg, "g", {});
    draw(group, "title", {}, `${name}: ${unit.name}`);
    draw(group, "rect", { class: "track", x: side < 0 ? x - BAR : x, y: y + 2, width: BAR, height: LINE - 5, rx: 2 });
    const bar = draw(group, "rect", { class: "bar", y: y + 2, height: LINE - 5, rx: 2, x, width: 0 });
    const spread = draw(group, "line", { class: "spread", y1: y + LINE / 2, y2: y + LINE / 2, visibility: "hidden" });
    const codeX = lone ? x - 6 : x + side * (BAR + 6);
    draw(group, "text", { x: codeX, y: y + 12, "text-anchor": (side < 0 || lone) ? "end" : "start" }, unit.code);
    const number = draw(group, "text", { class: "soft", x: x + side * (BAR - 4), y: y + 12, "text-anchor": side < 0 ? "start" : "end" });
    const dot = draw(svg, "circle", { class: "site", ...site, r: 0 });
    this.updates.push((row) => {
      const { table } = this.app;
      const value = row ? table.value(row, name) : NaN;
      const sd = row && lone ? table.value(row, `${name}_sd`) : NaN;
      const there = !Number.isNaN(value);
      const across = (amount) => (Math.min(MOST, Math.max(0, amount)) / MOST) * BAR;
      const length = there ? across(value) : 0;
      bar.setAttribute("x", side < 0 ? x - length : x);
      bar.setAttribute("width", length);
      number.textContent = there ? value.toFixed(1) : "";
      dot.setAttribute("r", there ? 6 * Math.sqrt(Math.min(MOST, Math.max(0, value)) / MOST) : 0);
      spread.setAttribute("visibility", Number.isNaN(sd) || !there ? "hidden" : "visible");
      if (!Number.isNaN(sd) && there) {
        spread.setAttribute("x1", x + side * across(value - sd));
        spread.setAttribute("x2", x + side * across(value + sd));
      }
    });
  }

  // The row of the first chosen subject; undefined where it is not in the frame.
  show(subject, row) {
    if (!this.updates || subject !== this.app.chosen(this.app.table)[0]) return;
    const label = this.app.table.subjects[subject].label;
    this.head.textContent = row ? label : `${label}: not in this frame`;
    for (const update of this.updates) update(row);
  }
}
