// What the server knows, asked for in pieces and kept; nothing is asked for twice.

const KEPT_PIECES = 4000;

async function get(name, query = {}) {
  const words = new URLSearchParams(query).toString();
  const answer = await fetch(words ? `${name}?${words}` : name);
  if (!answer.ok) throw new Error(`${name}: ${await answer.text()}`);
  return answer;
}

export const askJson = async (name, query) => (await get(name, query)).json();

const askArray = async (Type, name, query) => new Type(await (await get(name, query)).arrayBuffer());

// A map that forgets what was not used for longest, but never what is still on its way.
class Kept {
  constructor(limit) {
    this.limit = limit;
    this.entries = new Map();
  }

  get(key) {
    const found = this.entries.get(key);
    if (found !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, found);
    }
    return found;
  }

  set(key, value) {
    this.entries.set(key, value);
    if (this.entries.size > this.limit) this.entries.delete(this.entries.keys().next().value);
  }
}

// One table: its timeline, traces, qualities and rows.
export class Table {
  constructor(number, about, sizes, changed) {
    Object.assign(this, about);
    this.number = number;
    this.sizes = sizes;
    this.changed = changed;
    this.pieces = new Kept(KEPT_PIECES);
    this.byName = new Map(about.columns.map((column) => [column.name, column]));
    this.rowPlace = new Map(about.row_columns.map((name, place) => [name, place + 1]));
  }

  bins(level) {
    return Math.ceil(this.frames / this.sizes.factor ** level);
  }

  // The finest level that has at most `most` bins between two times.
  levelFor(start, end, most) {
    const share = Math.min(1, (end - start) / Math.max(1e-9, this.end - this.start));
    for (let level = 0; level < this.levels - 1; level += 1) {
      if (this.bins(level) * share <= most) return level;
    }
    return this.levels - 1;
  }

  // The pieces of a level that cover two times: by the start times of the finest level's pieces.
  piecesFor(level, start, end) {
    const size = this.sizes.factor ** level;
    const first = Math.floor(this.finestPiece(start) / size);
    const last = Math.floor(this.finestPiece(end) / size);
    return Array.from({ length: last - first + 1 }, (_, place) => first + place);
  }

  finestPiece(time) {
    let low = 0;
    let high = this.piece_starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.piece_starts[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // What is kept under a key, or null and `ask` is begun; `changed` is called when it is here.
  kept(key, ask) {
    const found = this.pieces.get(key);
    if (found instanceof Promise) return null;
    if (found !== undefined) return found;
    const coming = ask().then(
      (value) => {
        this.pieces.set(key, value);
        this.changed();
        return value;
      },
      (error) => {
        this.pieces.entries.delete(key);
        console.error(error);
      },
    );
    this.pieces.set(key, coming);
    return null;
  }

  times(level, piece) {
    return this.kept(`t/${level}/${piece}`, () =>
      askArray(Float64Array, "times", { table: this.number, level, piece }));
  }

  // The number of the frame at a place of the timeline; blank until its piece is here.
  frameOf(place) {
    const piece = Math.floor(place / this.sizes.piece);
    const frames = this.kept(`f/${piece}`, () =>
      askArray(Float64Array, "frames", { table: this.number, piece }));
    return frames ? frames[place - piece * this.sizes.piece] : "";
  }

  // {low, high, bandLow, bandHigh} of every named column, or null until all are here.
  series(subject, names, level, piece) {
    const key = (name) => `s/${subject}/${level}/${piece}/${name}`;
    const missing = names.filter((name) => this.pieces.get(key(name)) === undefined);
    if (missing.length) {
      const query = { table: this.number, subject, level, piece, columns: missing.join(",") };
      const coming = askArray(Float32Array, "series", query);
      const bins = Math.min(this.sizes.piece, this.bins(level) - piece * this.sizes.piece);
      let place = 0;
      for (const name of missing) {
        const start = place;
        const width = this.byName.get(name).band ? 4 : 2;
        place += width * bins;
        this.kept(key(name), async () => {
          const all = await coming;
          const part = (nth) => all.subarray(start + nth * bins, start + (nth + 1) * bins);
          const found = { low: part(0), high: part(1) };
          if (width === 4) Object.assign(found, { bandLow: part(2), bandHigh: part(3) });
          return found;
        });
      }
    }
    const found = names.map((name) => this.pieces.get(key(name)));
    return found.some((one) => one === undefined || one instanceof Promise) ? null : found;
  }

  // {low, absent}: shares of frames with low quality, and without the subject.
  quality(subject, level, piece) {
    return this.kept(`q/${subject}/${level}/${piece}`, async () => {
      const query = { table: this.number, subject, level, piece };
      const all = await askArray(Float32Array, "quality", query);
      return { low: all.subarray(0, all.length / 2), absent: all.subarray(all.length / 2) };
    });
  }

  // A subject's row at a place of the timeline: a Float32Array, undefined where it has none,
  // null until it is here.
  row(subject, place) {
    const piece = Math.floor(place / this.sizes.row_piece);
    const rows = this.kept(`r/${subject}/${piece}`, async () => {
      const all = await askArray(Float32Array, "rows", { table: this.number, subject, piece });
      const width = this.row_columns.length + 1;
      const byPlace = new Map();
      for (let start = 0; start < all.length; start += width) {
        byPlace.set(all[start], all.subarray(start, start + width));
      }
      return byPlace;
    });
    return rows && rows.get(place - piece * this.sizes.row_piece);
  }

  value(row, name) {
    const place = this.rowPlace.get(name);
    return place === undefined ? NaN : row[place];
  }

  // The place in the timeline of the frame shown at a time; null until its piece is here.
  placeAt(time) {
    const piece = this.finestPiece(time);
    const times = this.times(0, piece);
    if (!times) return null;
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time + 1e-6) low = middle;
      else high = middle - 1;
    }
    return piece * this.sizes.piece + low;
  }

  timeOf(place) {
    const piece = Math.floor(place / this.sizes.piece);
    const times = this.times(0, piece);
    return times ? times[place - piece * this.sizes.piece] : null;
  }
}

export async function load(changed) {
  const about = await askJson("about.json");
  const sizes = { factor: about.factor, piece: about.piece, row_piece: about.row_piece };
  about.tables = about.tables.map((table, number) => new Table(number, table, sizes, changed));
  return about;
}
