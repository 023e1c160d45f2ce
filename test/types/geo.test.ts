/** Places as scores, distances, and areas against the plain question whether each place lies in them. */
import { describe, expect, test } from "bun:test";
import { formatFixed, formatTrimmed } from "../../src/base/fixed-decimals.ts";
import {
  decode,
  decodeWithin,
  distance,
  EARTH_RADIUS_M,
  encode,
  LATITUDE_MAX,
  Point,
  TEXT_LENGTH,
  writeText,
} from "../../src/types/geo.ts";
import { GeoArea } from "../../src/types/geo-area.ts";
import { seeded } from "../support/seed.ts";

const point = new Point();

function geohash(longitude: number, latitude: number): string {
  decode(encode(longitude, latitude), point);
  const text = Buffer.alloc(TEXT_LENGTH);
  writeText(point, text);
  return text.toString();
}

describe("a score", () => {
  test("is that of Redis", () => {
    expect(encode(13.361389, 38.115556)).toBe(3479099956230698);
    expect(encode(15.087269, 37.502669)).toBe(3479447370796909);
    expect(encode(-180, -LATITUDE_MAX)).toBe(0);
    expect(encode(180, -LATITUDE_MAX)).toBe(2 ** 53);
    expect(encode(-180, LATITUDE_MAX)).toBe(2 ** 52);
  });

  test("gives back a place not further away than a cell is wide", () => {
    const random = seeded("places");
    for (let i = 0; i < 2000; i++) {
      const longitude = random.below(3.6e8) / 1e6 - 180;
      const latitude = random.below(1.7e8) / 1e6 - 85;
      decode(encode(longitude, latitude), point);
      expect(Math.abs(point.longitude - longitude)).toBeLessThan(360 / 2 ** 26);
      expect(Math.abs(point.latitude - latitude)).toBeLessThan(170.2 / 2 ** 26);
      // The middle of a cell is a place of the same cell.
      expect(encode(point.longitude, point.latitude)).toBe(encode(longitude, latitude));
    }
  });

  test("that no place has is cut to one on the map", () => {
    for (const score of [-1, -0.5, 1e300, -1e300, Infinity, -Infinity, 2 ** 63, 2 ** 64]) {
      decode(score, point);
      expect(Math.abs(point.longitude)).toBeLessThanOrEqual(180);
      expect(Math.abs(point.latitude)).toBeLessThanOrEqual(LATITUDE_MAX);
    }
  });
});

test("a geohash is the one that others compute", () => {
  expect(geohash(13.361389, 38.115556)).toBe("sqc8b49rny0");
  expect(geohash(15.087269, 37.502669)).toBe("sqdtr74hyu0");
});

test("distances are those on a sphere", () => {
  expect(distance(0, 0, 180, 0)).toBeCloseTo(Math.PI * EARTH_RADIUS_M, 3);
  expect(distance(7, 0, 7, 90)).toBeCloseTo((Math.PI / 2) * EARTH_RADIUS_M, 3);
  expect(distance(5, 6, 5, 6)).toBe(0);
  expect(distance(13.361389, 38.115556, 15.087269, 37.502669)).toBeCloseTo(166274.1, 0);
});

/** Whether one of the ranges has the score; they must not overlap. */
function isCovered(area: GeoArea, score: number): boolean {
  let times = 0;
  for (let i = 0; i < area.ranges; i++) {
    if (score >= area.from[i]! && score < area.below[i]!) times++;
  }
  expect(times).toBeLessThan(2);
  return times === 1;
}

test.each([false, true])("an area's ranges have all places in it (box: %p)", (isBox) => {
  const random = seeded("areas");
  const area = new GeoArea();
  let inside = 0;
  let outside = 0;
  const within = new Point();
  for (let i = 0; i < 2000; i++) {
    area.isBox = isBox;
    area.longitude = random.below(200) - 100;
    area.latitude = random.below(100) - 50;
    area.radius = 2 ** random.below(20);
    area.width = 2 ** random.below(20);
    area.height = 2 ** random.below(20);
    area.cover();
    // A degree is some 111 kilometers: places around the area are looked at too.
    const east = (isBox ? area.width / 2 : area.radius) / 74000;
    const north = (isBox ? area.height / 2 : area.radius) / 74000;
    for (let j = 0; j < 20; j++) {
      const longitude = area.longitude + (random.below(2001) / 1000 - 1) * east;
      const latitude = area.latitude + (random.below(2001) / 1000 - 1) * north;
      const score = encode(longitude, latitude);
      decode(score, point);
      const meters = area.distanceTo(point);
      const around = distance(area.longitude, area.latitude, point.longitude, point.latitude);
      if (!isBox) expect(meters >= 0).toBe(around <= area.radius);
      const isWithin = decodeWithin(score, area.bounds, within);
      if (!isWithin) outside++;
      if (meters < 0) continue;
      expect(isWithin).toBe(true);
      expect(within).toEqual(point);
      expect(meters).toBe(around);
      expect(isCovered(area, score)).toBe(true);
      inside++;
    }
  }
  expect(inside).toBeGreaterThan(1000);
  expect(outside).toBeGreaterThan(1000);
});

test("numbers have the decimals that printf writes", () => {
  expect(formatFixed(166274.15156, 4)).toBe("166274.1516");
  expect(formatFixed(0.25, 1)).toBe("0.2");
  expect(formatFixed(-0.75, 1)).toBe("-0.8");
  expect(formatFixed(0.03125, 4)).toBe("0.0312");
  expect(formatFixed(0.09375, 4)).toBe("0.0938");
  expect(formatFixed(1e22, 2)).toBe("10000000000000000000000.00");
  expect(formatFixed(-0, 6)).toBe("-0.000000");
  expect(formatFixed(-Infinity, 6)).toBe("-inf");
  expect(formatTrimmed(13.361389338970184, 17)).toBe("13.36138933897018433");
  expect(formatTrimmed(-0, 17)).toBe("0");
  expect(formatTrimmed(100, 17)).toBe("100");
});
