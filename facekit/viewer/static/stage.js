// The video (or its absence) with what the table says drawn over it, frame by frame.

import { askJson } from "./data.js";
import { byId, clock } from "./page.js";

const SPEEDS = [0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 4];
const AXES = [["left", "#eb3c3c"], ["down", "#3cc83c"], ["nose", "#466eff"]];
const GREY = "#969696";
const STATUS = ["ok", "low_quality"];
const FORMATS = [["mp4", 'video/mp4; codecs="avc1.640028"'], ["webm", 'video/webm; codecs="vp9"']];

export class Stage {
  constructor(app) {
    this.app = app;
    this.video = byId("video");
    this.canvas = byId("overlay");
    this.offset = app.table.start_time_s;
    this.media = null;
    this.playing = false;
    this.speed = 1;
    const speeds = byId("speed");
    for (const speed of SPEEDS) speeds.add(new Option(`${speed}×`, speed, speed === 1, speed === 1));
    speeds.onchange = () => this.setSpeed(Number(speeds.value));
    byId("play").onclick = () => this.toggle();
    byId("back").onclick = () => this.step(-1);
    byId("forward").onclick = () => this.step(1);
    byId("stage").onclick = () => this.toggle();
    byId("transport").hidden = app.table.unit !== "s" && !app.about.video;
    if (app.about.video) this.openVideo();
    else this.bare();
    new ResizeObserver(() => this.draw()).observe(byId("stage"));
  }

  // Without a video the overlay is drawn on an empty picture of the source's size.
  bare() {
    const { width, height } = this.app.table.source;
    const stage = byId("stage");
    this.video.remove();
    this.hasVideo = false;
    stage.hidden = !(width && height);
    if (!stage.hidden) {
      stage.classList.add("bare");
      stage.style.aspectRatio = `${width} / ${height}`;
    }
  }

  openVideo() {
    const { video } = this;
    this.hasVideo = true;
    video.addEventListener("error", () => this.convert(), { once: true });
    video.addEventListener("loadedmetadata", () => {
      // Some browsers play the sound of pictures that they cannot decode.
      if (!video.videoWidth) this.convert();
    });
    video.addEventListener("seeked", () => {
      if (this.calibrated) this.showAt(video.currentTime);
    });
    video.addEventListener("play", () => this.playState(true));
    video.addEventListener("pause", () => this.playState(false));
    if (video.requestVideoFrameCallback) {
      const each = (_, { mediaTime }) => {
        this.media = mediaTime;
        if (this.calibrated || !this.calibrate(mediaTime)) this.showAt(mediaTime);
        video.requestVideoFrameCallback(each);
      };
      video.requestVideoFrameCallback(each);
    } else {
      video.addEventListener("loadeddata", () => this.calibrate(this.offset));
      const each = () => {
        if (this.playing) this.showAt(video.currentTime);
        requestAnimationFrame(each);
      };
      each();
    }
    video.src = "video";
  }

  // Browsers differ in whether a video's own start counts: its first frame, time 0, tells.
  // True where the page wants to be elsewhere, and goes there.
  calibrate(mediaTime) {
    this.calibrated = true;
    this.offset = mediaTime;
    if (this.wanted === undefined) return false;
    this.seek(this.wanted);
    return true;
  }

  // Ask for a copy that this browser plays, and open it when it is complete.
  async convert() {
    const [format] = FORMATS.find(([, type]) => this.video.canPlayType(type)) || ["mp4"];
    const note = byId("converting");
    note.hidden = false;
    for (;;) {
      const { state, share, error } = await askJson("video-copy.json", { format });
      if (state === "failed") {
        note.textContent = `This video cannot be shown: ${error}`;
        return;
      }
      if (state === "done") break;
      note.textContent = `This browser cannot play the video; a copy that it can play is being made: ${Math.round(100 * share)} %`;
      await new Promise((go) => { setTimeout(go, 300); });
    }
    note.hidden = true;
    // The copy begins with the first frame.
    this.offset = 0;
    this.calibrated = true;
    this.video.addEventListener("error", () => {
      note.hidden = false;
      note.textContent = "This browser cannot play the copy of this video either.";
    }, { once: true });
    this.video.addEventListener("loadeddata", () => this.seek(this.wanted ?? this.app.time), { once: true });
    this.video.src = `video-copy?format=${format}`;
  }

  showAt(mediaTime) {
    const { table } = this.app;
    const time = mediaTime - this.offset;
    const place = table.placeAt(time + 1e-4);
    if (place === null) {
      // Its piece is on the way; `refresh` comes back here when it has arrived.
      this.late = mediaTime;
      return;
    }
    this.late = undefined;
    this.show(place);
  }

  show(place) {
    const time = this.app.table.timeOf(place);
    if (time === null) return;
    this.app.shown(place, time);
    this.draw();
  }

  async seek(time) {
    const { table } = this.app;
    this.wanted = time;
    const piece = table.finestPiece(time);
    await Promise.resolve(table.pieces.get(`t/0/${piece}`) ?? (table.times(0, piece), table.pieces.get(`t/0/${piece}`)));
    if (this.wanted !== time) return;
    const place = table.placeAt(time);
    if (place === null) return;
    if (!this.hasVideo || !this.calibrated) {
      this.show(place);
      return;
    }
    const at = table.timeOf(place);
    const next = table.timeOf(Math.min(table.frames - 1, place + 1)) ?? at;
    // A little into the frame, since players round its time.
    this.video.currentTime = at + this.offset + Math.min(0.004, Math.max(0, next - at) / 4);
  }

  step(frames) {
    this.pause();
    const { table, place } = this.app;
    const at = Math.min(table.frames - 1, Math.max(0, place + frames));
    const time = table.timeOf(at);
    if (time !== null) this.seek(time);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.hasVideo) {
      this.video.play();
      return;
    }
    if (this.app.table.unit !== "s") return;
    this.playState(true);
    let before = performance.now();
    let time = this.app.place >= this.app.table.frames - 1 ? this.app.table.start : this.app.time;
    const each = (now) => {
      if (!this.playing) return;
      time += ((now - before) / 1000) * this.speed;
      if (Math.abs(time - this.app.time) > 1) time = this.app.time;
      before = now;
      const place = this.app.table.placeAt(time);
      if (place !== null && place !== this.app.place) this.show(place);
      if (time >= this.app.table.end) this.pause();
      else requestAnimationFrame(each);
    };
    requestAnimationFrame(each);
  }

  pause() {
    if (this.hasVideo) this.video.pause();
    else this.playState(false);
  }

  playState(playing) {
    this.playing = playing;
    if (playing) this.app.still = false;
    byId("play").textContent = playing ? "⏸" : "▶";
  }

  setSpeed(speed) {
    this.speed = speed;
    this.video.playbackRate = speed;
    byId("speed").value = speed;
  }

  changeSpeed(steps) {
    const place = SPEEDS.indexOf(this.speed) + steps;
    if (SPEEDS[place]) this.setSpeed(SPEEDS[place]);
  }

  // What is on the screen now, for tests: places are frames of the timeline.
  state() {
    return {
      media: this.media,
      offset: this.offset,
      place: this.app.place,
      time: this.app.time,
      drawn: this.drawn,
      row: byId("row").textContent,
      playing: this.playing,
    };
  }

  // Where the picture lies in the stage, and how large its pixels are.
  frame() {
    const { width, height } = this.app.table.source;
    const wide = width || this.video.videoWidth;
    const tall = height || this.video.videoHeight;
    const box = byId("stage").getBoundingClientRect();
    const shown = this.hasVideo && this.video.videoWidth
      ? this.video.videoWidth / this.video.videoHeight : wide / tall;
    const across = Math.min(box.width, box.height * shown);
    const down = across / shown;
    return {
      box, left: (box.width - across) / 2, top: (box.height - down) / 2,
      scaleX: across / wide, scaleY: down / tall,
    };
  }

  draw() {
    if (this.late !== undefined) {
      const late = this.late;
      this.late = undefined;
      this.showAt(late);
      return;
    }
    const { app, canvas } = this;
    const { box, left, top, scaleX, scaleY } = this.frame();
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const words = [];
    const lined = Number.isFinite(scaleX) && scaleX > 0;
    // Pixels of the table have their centres at whole numbers.
    const point = (x, y) => [left + (x + 0.5) * scaleX, top + (y + 0.5) * scaleY];
    context.scale(ratio, ratio);
    app.tables.forEach((table, number) => {
      const place = number ? table.placeAt(app.time) : app.place;
      if (place === null) return;
      for (const subject of app.chosen(table)) {
        const row = table.row(subject, place);
        if (row && lined) this.drawFace(context, table, subject, row, point, scaleX, number > 0);
        if (row !== null && !number) words.push(this.describe(table, subject, row));
        if (!number) {
          if (this.playing) table.row(subject, place + app.about.row_piece);
          if (row !== null) app.face.show(subject, row);
        }
      }
    });
    this.drawn = app.place;
    const head = `frame <b>${app.table.frameOf(app.place)}</b>${app.table.unit === "s" ? ` · ${clock(app.time)}` : ""}`;
    byId("row").innerHTML = [head, ...words].join(" · ");
  }

  describe(table, subject, row) {
    const label = new Option(table.subjects[subject].label).innerHTML;
    if (!row) return `<b>${label}</b> not in this frame`;
    const score = table.value(row, "score");
    const probability = Number.isNaN(score) ? "" : `, score ${score.toFixed(2)}`;
    return `<b>${label}</b> ${STATUS[table.value(row, "status")] ?? "unknown"}${probability}`;
  }

  drawFace(context, table, subject, row, point, scale, second) {
    const value = (name) => table.value(row, name);
    const low = value("status") === 1;
    const colour = low ? GREY : this.app.colour(table, subject, true);
    const stroke = (points, closed, tint, wide) => {
      if (points.some(([x, y]) => Number.isNaN(x + y))) return;
      context.beginPath();
      points.forEach(([x, y], nth) => (nth ? context.lineTo(x, y) : context.moveTo(x, y)));
      if (closed) context.closePath();
      context.setLineDash(second || (low && closed) ? [5, 4] : []);
      for (const [style, width] of [["#141414aa", wide + 1.5], [tint, wide]]) {
        Object.assign(context, { strokeStyle: style, lineWidth: width });
        context.stroke();
      }
    };
    const [x, y, w, h] = ["box_x", "box_y", "box_w", "box_h"].map(value);
    stroke([point(x, y), point(x + w, y), point(x + w, y + h), point(x, y + h)], true, colour, 1.5);
    const landmark = (nth) => point(value(`x_${nth}`), value(`y_${nth}`));
    const has = table.rowPlace.has("x_0") && !Number.isNaN(value("x_0"));
    if (has) {
      for (const [from, to, closed] of this.app.about.contours) {
        const points = Array.from({ length: to - from }, (_, nth) => landmark(from + nth));
        stroke(points, closed, colour, 1);
      }
    }
    const middle = (from, to) => {
      const points = Array.from({ length: to - from }, (_, nth) => landmark(from + nth));
      return [0, 1].map((axis) => points.reduce((sum, one) => sum + one[axis], 0) / points.length);
    };
    const start = has ? middle(36, 48) : point(x + w / 2, y + h / 2);
    const reach = 0.5 * Math.max(w, h) * scale;
    const ray = (from, name, length, tint) =>
      stroke([from, [from[0] + length * value(`${name}_x`), from[1] + length * value(`${name}_y`)]], false, tint, 2);
    for (const [name, tint] of AXES) ray(start, `axis_${name}`, reach, tint);
    if (has) {
      ray(middle(36, 42), "gaze_right", reach, "#ffe14d");
      ray(middle(42, 48), "gaze_left", reach, "#ffe14d");
    }
    context.setLineDash([]);
    context.font = "600 12px system-ui, sans-serif";
    const [textX, textY] = point(x, y);
    if (Number.isNaN(textX + textY) || second) return;
    context.fillStyle = colour;
    const words = table.subjects[subject].label;
    const wide = context.measureText(words).width + 8;
    context.fillRect(textX, Math.max(0, textY - 17), wide, 17);
    context.fillStyle = "#141414";
    context.fillText(words, textX + 4, Math.max(13, textY - 4));
  }
}
