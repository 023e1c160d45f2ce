/**
 * The area of a search: a circle or a box around a place, what lies in it, and the ranges of scores to look at.
 *
 * The ranges are cells of a grid about as wide as the area: the cell of the center and those of its eight neighbours that
 * the area reaches. The grid is coarser towards the poles, where its columns are narrow.
 */
import {
  CELL_MAX,
  CellBounds,
  cellEdge,
  cellOf,
  degrees,
  distance,
  EARTH_RADIUS_M,
  interleave,
  LATITUDE_MAX,
  LATITUDE_MIN,
  LONGITUDE_MAX,
  LONGITUDE_MIN,
  longitudeReach,
  meridianDistance,
  Origin,
  radians,
  STEP_MAX,
} from "./geo.ts";
import type { Point } from "./geo.ts";

/** Half the equator on the map, about: the finest grid is as many times smaller as its steps say. */
const MAP_MAX_M = 20037726.37;

/** What a distance that is computed in another way may differ by. */
const ROUNDING = 1 + 1e-9;
const ROUNDING_DEGREES = 1e-9;

/** East and north, the order in which the cells are looked at. */
const NEIGHBOURS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

export class GeoArea {
  longitude = 0;
  latitude = 0;
  isBox = false;
  /** All in meters. */
  radius = 0;
  width = 0;
  height = 0;

  /** Ranges of scores: those from `from` on, below `below`. */
  ranges = 0;
  readonly from: Float64Array = new Float64Array(NEIGHBOURS.length);
  readonly below: Float64Array = new Float64Array(NEIGHBOURS.length);

  /** Cells of the finest grid outside of which nothing lies in the area. */
  readonly bounds: CellBounds = new CellBounds();

  readonly #origin: Origin = new Origin();
  #step = 0;
  #column = 0;
  #row = 0;
  // The smallest box of coordinates that the area lies in.
  #west = 0;
  #east = 0;
  #south = 0;
  #north = 0;
  /** No place in the circle is more degrees of longitude away. */
  #reach = 180;

  /** Meters from the center to the place, or -1 if it lies outside. */
  distanceTo(point: Point): number {
    const { longitude, latitude } = this;
    const north = meridianDistance(latitude, point.latitude);
    if (!this.isBox) {
      // Most places that are too far away are so in latitude already, which costs less to compute.
      if (north > this.radius * ROUNDING) return -1;
      const east = Math.abs(point.longitude - longitude);
      if (east > this.#reach && east < 360 - this.#reach) return -1;
      const meters = this.#origin.distanceTo(point.longitude, point.latitude);
      return meters > this.radius ? -1 : meters;
    }
    if (north > (this.height / 2) * ROUNDING) return -1;
    const { longitude: east, latitude: row } = point;
    if (distance(east, row, longitude, row) > this.width / 2) return -1;
    if (distance(east, row, east, latitude) > this.height / 2) return -1;
    return this.#origin.distanceTo(east, row);
  }

  /** Finds the ranges. */
  cover(): void {
    this.#origin.set(this.longitude, this.latitude);
    this.#bound();
    this.#reach = longitudeReach(this.latitude, this.radius) * ROUNDING + ROUNDING_DEGREES;
    const reach = this.isBox
      ? Math.sqrt((this.width / 2) ** 2 + (this.height / 2) ** 2)
      : this.radius;
    this.#place(stepFor(reach, this.latitude));
    if (this.#step > 1 && this.#isTooFine()) this.#place(this.#step - 1);
    this.#boundCells();
    this.#collect();
  }

  /** The bounds are a cell wider than need be, and end where the map does: beyond it lie scores that are no places. */
  #boundCells(): void {
    const { bounds, longitude, latitude } = this;
    const north = this.isBox ? this.height / 2 : this.radius;
    const rows = degrees((north * ROUNDING) / EARTH_RADIUS_M) + ROUNDING_DEGREES;
    bounds.rowMin = cellBelow(latitude - rows, LATITUDE_MIN, LATITUDE_MAX);
    bounds.rowMax = cellAbove(latitude + rows, LATITUDE_MIN, LATITUDE_MAX);
    // A box has no such reach, and an area that crosses the map's edge has columns on both of its sides.
    const reach = this.isBox ? 360 : this.#reach;
    const isInside = longitude - reach > LONGITUDE_MIN && longitude + reach < LONGITUDE_MAX;
    bounds.columnMin = isInside ? cellBelow(longitude - reach, LONGITUDE_MIN, LONGITUDE_MAX) : 0;
    bounds.columnMax = isInside
      ? cellAbove(longitude + reach, LONGITUDE_MIN, LONGITUDE_MAX)
      : CELL_MAX;
  }

  #bound(): void {
    const { longitude, latitude } = this;
    const up = this.isBox ? this.height / 2 : this.radius;
    const across = (this.isBox ? this.width / 2 : this.radius) / EARTH_RADIUS_M;
    const rows = degrees(up / EARTH_RADIUS_M);
    // The side that is nearer to a pole is the wider one in degrees.
    const polar = latitude < 0 ? latitude - rows : latitude + rows;
    const columns = degrees(across / Math.cos(radians(polar)));
    this.#west = longitude - columns;
    this.#east = longitude + columns;
    this.#south = latitude - rows;
    this.#north = latitude + rows;
  }

  /** Takes the grid of 2^step columns and rows. */
  #place(step: number): void {
    this.#step = step;
    this.#column = cellOf(this.longitude, LONGITUDE_MIN, LONGITUDE_MAX, step);
    this.#row = cellOf(this.latitude, LATITUDE_MIN, LATITUDE_MAX, step);
  }

  /** Whether the neighbours of the center's cell end before the area does. At the map's edge they are those of the other side. */
  #isTooFine(): boolean {
    return (
      this.#latitudeAt(this.#wrap(this.#row, 1) + 1) < this.#north ||
      this.#latitudeAt(this.#wrap(this.#row, -1)) > this.#south ||
      this.#longitudeAt(this.#wrap(this.#column, 1) + 1) < this.#east ||
      this.#longitudeAt(this.#wrap(this.#column, -1)) > this.#west
    );
  }

  #collect(): void {
    const step = this.#step;
    // In a grid of two columns and rows the neighbours are the whole map.
    const isFine = step >= 2;
    const noSouth = isFine && this.#latitudeAt(this.#row) < this.#south;
    const noNorth = isFine && this.#latitudeAt(this.#row + 1) > this.#north;
    const noWest = isFine && this.#longitudeAt(this.#column) < this.#west;
    const noEast = isFine && this.#longitudeAt(this.#column + 1) > this.#east;
    const size = 4 ** (STEP_MAX - step);
    let count = 0;
    for (const [east, north] of NEIGHBOURS) {
      if ((north < 0 && noSouth) || (north > 0 && noNorth)) continue;
      if ((east < 0 && noWest) || (east > 0 && noEast)) continue;
      const column = this.#wrap(this.#column, east);
      const row = this.#wrap(this.#row, north);
      const from = interleave(column, row, 0) * size;
      // In a coarse grid the neighbours on both sides are the same.
      if (this.#isThere(from, count)) continue;
      this.from[count] = from;
      this.below[count] = interleave(column, row, 1) * size;
      count++;
    }
    this.ranges = count;
  }

  #isThere(from: number, count: number): boolean {
    for (let i = 0; i < count; i++) if (this.from[i] === from) return true;
    return false;
  }

  /** The cell `by` further on, around the world. */
  #wrap(cell: number, by: number): number {
    return by === 0 ? cell : (cell + by) & (2 ** this.#step - 1);
  }

  #longitudeAt(column: number): number {
    return cellEdge(column, LONGITUDE_MIN, LONGITUDE_MAX, this.#step);
  }

  #latitudeAt(row: number): number {
    return cellEdge(row, LATITUDE_MIN, LATITUDE_MAX, this.#step);
  }
}

/** The cell before that of a coordinate in the finest grid; 0 if there is none. */
function cellBelow(value: number, min: number, max: number): number {
  return Math.max(0, cellOf(value, min, max, STEP_MAX) - 1);
}

/** The cell behind that of a coordinate in the finest grid; of one at the map's edge, all there are. */
function cellAbove(value: number, min: number, max: number): number {
  return value >= max ? CELL_MAX : Math.max(0, cellOf(value, min, max, STEP_MAX) + 1);
}

/** The step of a grid whose cells are about as wide as `meters`. */
function stepFor(meters: number, latitude: number): number {
  if (meters === 0) return STEP_MAX;
  let step = -1;
  for (let size = meters; size < MAP_MAX_M; size *= 2) step++;
  const pole = Math.abs(latitude);
  if (pole > 66) step--;
  if (pole > 80) step--;
  return Math.max(1, Math.min(STEP_MAX, step));
}
