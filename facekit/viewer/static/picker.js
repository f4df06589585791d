// The menus that choose whom and what the page shows.

import { byId, make } from "./page.js";

function choice(home, checked, changed, colour) {
  const label = make("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked });
  box.onchange = () => changed(box.checked);
  label.append(box);
  if (colour) {
    const dot = make("span", "", "dot");
    dot.style.background = colour;
    label.append(dot);
  }
  home.append(label);
  return label;
}

export function subjectMenu(app) {
  const [summary, menu] = byId("who").children;
  const all = new Map();
  for (const table of app.tables) {
    table.subjects.forEach((who, place) => {
      if (!all.has(who.label)) all.set(who.label, { table, place, rows: who.rows });
    });
  }
  byId("who").hidden = all.size === 0;
  summary.textContent = app.who.size === 1 ? [...app.who][0] : `${app.who.size} of ${all.size} people`;
  menu.replaceChildren();
  for (const [name, { table, place, rows }] of all) {
    const label = choice(menu, app.who.has(name), (checked) => {
      const chosen = new Set(app.who);
      if (checked) chosen.add(name);
      else chosen.delete(name);
      app.chooseSubjects(chosen);
    }, app.colour(table, place));
    label.append(make("span", name), make("small", `${rows} rows`));
  }
}

export function columnMenu(app) {
  const [summary, menu] = byId("what").children;
  summary.textContent = `${app.columns.length} column${app.columns.length === 1 ? "" : "s"}`;
  const words = menu.querySelector("input")?.value ?? "";
  const known = new Map();
  for (const table of app.tables) {
    for (const column of table.columns) if (!known.has(column.name)) known.set(column.name, column);
  }
  const search = Object.assign(make("input"), { type: "search", placeholder: "search", value: words });
  const list = make("div");
  search.oninput = () => fill(app, list, known, search.value.trim().toLowerCase());
  menu.replaceChildren(search, list);
  search.oninput();
}

function fill(app, list, known, words) {
  list.replaceChildren();
  let group;
  for (const column of known.values()) {
    const told = `${column.name} ${column.meaning} ${column.group}`.toLowerCase();
    // Hundreds of landmarks are listed only when asked for.
    const quiet = column.group.startsWith("landmarks") && !app.columns.includes(column.name);
    if (words ? !told.includes(words) : quiet) continue;
    if (column.group !== group) {
      group = column.group;
      list.append(make("h3", group || "other"));
    }
    const label = choice(list, app.columns.includes(column.name), (checked) => {
      const chosen = app.columns.filter((name) => name !== column.name);
      if (checked) chosen.push(column.name);
      const order = [...known.keys()];
      app.chooseColumns(chosen.sort((a, b) => order.indexOf(a) - order.indexOf(b)));
    });
    label.append(make("span", column.name), make("small", column.meaning));
  }
}
