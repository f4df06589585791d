// Draws the report's traces out of the numbers that lie in the page itself.

for (const place of document.querySelectorAll(".plot")) {
  const { times, low, high, bandLow, bandHigh, range, unit } = JSON.parse(place.querySelector("script").textContent);
  const style = getComputedStyle(document.documentElement);
  const tint = (name) => style.getPropertyValue(`--${name}`).trim();
  const two = (number) => String(number).padStart(2, "0");
  const clock = (at) => (at >= 3600 ? `${Math.floor(at / 3600)}:` : "") + `${two(Math.floor(at / 60) % 60)}:${two(Math.floor(at % 60))}`;
  const axis = { stroke: tint("soft"), grid: { stroke: tint("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const line = { stroke: tint("bar"), width: 1, points: { show: false } };
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  const banded = Boolean(bandLow);
  new uPlot({
    width: Math.min(1180, place.clientWidth || 1180),
    height: 120,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, sync: { key: "report" } },
    scales: { x: { time: false }, y: range ? { range: () => range } : {} },
    axes: [
      { ...axis, size: 22, values: (_, splits) => splits.map((at) => (unit === "s" ? clock(at) : String(at))) },
      { ...axis, size: 50 },
    ],
    series: [{}, ...(banded ? [edge, edge] : []), line, line],
    bands: [
      ...(banded ? [{ series: [1, 2], fill: `color-mix(in srgb, ${tint("bar")} 22%, transparent)` }] : []),
      { series: banded ? [3, 4] : [1, 2], fill: tint("bar") },
    ],
  }, [times, ...(banded ? [bandHigh, bandLow] : []), high, low], place);
}
