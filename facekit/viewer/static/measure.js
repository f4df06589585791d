// How fluid the page is, by its own clock: pictures per second while it pans and zooms.

export async function measure(app, seconds = 3) {
  const before = { ...app.view };
  const whole = app.end - app.start;
  const began = performance.now();
  const times = [];
  await new Promise((done) => {
    const each = (now) => {
      times.push(now);
      const share = (now - began) / 1000 / seconds;
      if (share >= 1) {
        done();
        return;
      }
      // From the whole table down to a thousandth of it and back, while moving along it.
      const span = whole * 10 ** (-3 * Math.sin(Math.PI * share) ** 2);
      const middle = app.start + whole * (0.1 + 0.8 * share);
      app.setView(middle - span / 2, middle + span / 2);
      requestAnimationFrame(each);
    };
    requestAnimationFrame(each);
  });
  const gaps = times.slice(1).map((time, nth) => time - times[nth]);
  const found = {
    fps: (1000 * gaps.length) / (times.at(-1) - times[0]),
    longestMs: Math.max(...gaps),
    firstPaintMs: Number(document.body.dataset.firstPaintMs),
  };
  document.body.dataset.fps = found.fps.toFixed(1);
  app.setView(before.start, before.end);
  return found;
}
