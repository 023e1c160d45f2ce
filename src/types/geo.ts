/**
 * Places on the earth as scores of a sorted set: a geohash of 52 bits, 26 of the longitude and 26 of the latitude in turn.
 *
 *   bit   51        50        49   48   ...  1         0
 *         lon 25    lat 25    ...            lon 0     lat 0
 *
 * Places that share the first bits of their hashes lie in one cell of a grid, so a cell is a range of scores. The latitudes
 * end where Web Mercator's map does. The easternmost meridian and the northernmost parallel are cells of their own, one bit
 * longer than the others, as in Redis.
 */
export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;
export const LONGITUDE_MIN: number = -LONGITUDE_MAX;
export const LATITUDE_MIN: number = -LATITUDE_MAX;
export const EARTH_RADIUS_M = 6372797.560856;

/** Bits of a coordinate in a score. */
export const STEP_MAX = 26;

const TWO_26 = 2 ** STEP_MAX;
/** Any number is taken for a score, and gives cells up to this. */
export const CELL_MAX: number = 2 ** 32 - 1;
const TWO_32 = 2 ** 32;
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;
const RADIANS = Math.PI / 180;

const ALPHABET = Buffer.from("0123456789bcdefghjkmnpqrstuvwxyz");
/** Characters of a geohash as text. */
export const TEXT_LENGTH = 11;

/** A place, where `decode` leaves it. */
export class Point {
  longitude = 0;
  latitude = 0;
}

/** Rows and columns of the finest grid, as wide as numbers of 32 bits are. */
export class CellBounds {
  rowMin = 0;
  rowMax = CELL_MAX;
  columnMin = 0;
  columnMax = CELL_MAX;
}

/** The cell of a longitude in a grid of 2^step columns; the row of a latitude, likewise, with its own limits. */
export function cellOf(value: number, min: number, max: number, step: number): number {
  return Math.trunc(((value - min) / (max - min)) * 2 ** step);
}

/** The smallest coordinate of a cell; of the next one, the largest of this. */
export function cellEdge(cell: number, min: number, max: number, step: number): number {
  return min + (cell / 2 ** step) * (max - min);
}

/** The score of a place within the limits. */
export function encode(longitude: number, latitude: number): number {
  const column = cellOf(longitude, LONGITUDE_MIN, LONGITUDE_MAX, STEP_MAX);
  const row = cellOf(latitude, LATITUDE_MIN, LATITUDE_MAX, STEP_MAX);
  return interleave(column, row, 0);
}

/**
 * The bits of a column and a row in turn, as a number.
 * @param offset is added before the number is rounded, which those beyond 2^53 are
 */
export function interleave(column: number, row: number, offset: number): number {
  const low = (spread(row & 0xffff) | (spread(column & 0xffff) << 1)) >>> 0;
  const high = (spread(row >>> 16) | (spread(column >>> 16) << 1)) >>> 0;
  return high * TWO_32 + (low + offset);
}

/** The middle of the cell that a score stands for. Any number stands for one: what does not fit is cut off. */
export function decode(score: number, out: Point): void {
  const bits = wholeBits(score);
  const low = bits | 0;
  const high = Math.floor(bits / TWO_32) | 0;
  const row = (gather(low) | (gather(high) << 16)) >>> 0;
  const column = (gather(low >>> 1) | (gather(high >>> 1) << 16)) >>> 0;
  out.longitude = middle(column, LONGITUDE_MIN, LONGITUDE_MAX);
  out.latitude = middle(row, LATITUDE_MIN, LATITUDE_MAX);
}

/**
 * The same for a score whose cell lies within the bounds; returns false, `out` being left alone, if it does not. Of a search's cells
 * most are turned down by their row alone.
 */
export function decodeWithin(score: number, bounds: CellBounds, out: Point): boolean {
  const bits = wholeBits(score);
  const low = bits | 0;
  const high = Math.floor(bits / TWO_32) | 0;
  const row = (gather(low) | (gather(high) << 16)) >>> 0;
  if (row < bounds.rowMin || row > bounds.rowMax) return false;
  const column = (gather(low >>> 1) | (gather(high >>> 1) << 16)) >>> 0;
  if (column < bounds.columnMin || column > bounds.columnMax) return false;
  out.longitude = middle(column, LONGITUDE_MIN, LONGITUDE_MAX);
  out.latitude = middle(row, LATITUDE_MIN, LATITUDE_MAX);
  return true;
}

/** A place that distances are measured from. */
export class Origin {
  /** In radians. */
  longitude = 0;
  latitude = 0;
  cosine = 1;

  /** Takes degrees. */
  set(longitude: number, latitude: number): void {
    this.longitude = longitude * RADIANS;
    this.latitude = latitude * RADIANS;
    this.cosine = Math.cos(this.latitude);
  }

  /** Meters to a place, on a sphere, by the haversine formula. */
  distanceTo(longitude: number, latitude: number): number {
    const to = latitude * RADIANS;
    const u = Math.sin((to - this.latitude) / 2);
    const v = Math.sin((longitude * RADIANS - this.longitude) / 2);
    const a = u * u + this.cosine * Math.cos(to) * v * v;
    return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(a));
  }
}

const origin = new Origin();

/** Meters between two places. */
export function distance(
  fromLongitude: number,
  fromLatitude: number,
  toLongitude: number,
  toLatitude: number,
): number {
  origin.set(fromLongitude, fromLatitude);
  return origin.distanceTo(toLongitude, toLatitude);
}

/** Degrees of longitude within which every place lies that is at most `meters` from one of that latitude; 180 if all may be. */
export function longitudeReach(latitude: number, meters: number): number {
  const arc = meters / EARTH_RADIUS_M;
  const row = Math.abs(latitude) * RADIANS;
  if (row + arc >= Math.PI / 2) return 180;
  return Math.asin(Math.sin(arc) / Math.cos(row)) / RADIANS;
}

/** Meters along a meridian between two latitudes: no way between them is shorter. */
export function meridianDistance(from: number, to: number): number {
  return EARTH_RADIUS_M * Math.abs(to - from) * RADIANS;
}

export function degrees(arc: number): number {
  return arc / RADIANS;
}

export function radians(angle: number): number {
  return angle * RADIANS;
}

/**
 * Writes the geohash that others know, of latitudes up to the poles: ten characters of five bits each, and a "0" for the two
 * bits that are left.
 */
export function writeText(point: Point, out: Buffer): void {
  const column = cellOf(point.longitude, LONGITUDE_MIN, LONGITUDE_MAX, STEP_MAX);
  const row = cellOf(point.latitude, -90, 90, STEP_MAX);
  for (let i = 0; i < TEXT_LENGTH - 1; i++) {
    let character = 0;
    for (let bit = i * 5; bit < i * 5 + 5; bit++) {
      const of = bit % 2 === 0 ? column : row;
      character = (character << 1) | ((of >>> (STEP_MAX - 1 - (bit >> 1))) & 1);
    }
    out[i] = ALPHABET[character]!;
  }
  out[TEXT_LENGTH - 1] = ALPHABET[0]!;
}

/** The score without its fraction, as the 64 bits that a processor makes of it. */
function wholeBits(score: number): number {
  if (score >= TWO_64) return 0;
  return score < -TWO_63 ? -TWO_63 : Math.trunc(score);
}

function middle(cell: number, min: number, max: number): number {
  const size = max - min;
  // A power of two divides as exactly as its inverse multiplies.
  const lower = min + cell * (1 / TWO_26) * size;
  const upper = min + ((cell + 1) >>> 0) * (1 / TWO_26) * size;
  return Math.max(min, Math.min(max, (lower + upper) / 2));
}

/** Sixteen bits, each moved to twice its place. */
function spread(bits: number): number {
  let x = bits;
  x = (x | (x << 8)) & 0x00ff00ff;
  x = (x | (x << 4)) & 0x0f0f0f0f;
  x = (x | (x << 2)) & 0x33333333;
  return (x | (x << 1)) & 0x55555555;
}

/** Every second bit of 32, from the lowest on: what `spread` was given. */
function gather(bits: number): number {
  let x = bits & 0x55555555;
  x = (x | (x >>> 1)) & 0x33333333;
  x = (x | (x >>> 2)) & 0x0f0f0f0f;
  x = (x | (x >>> 4)) & 0x00ff00ff;
  return (x | (x >>> 8)) & 0xffff;
}
