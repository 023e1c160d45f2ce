import { describe, expect, test } from "bun:test";
import {
  abba,
  median,
  MicrosecondHistogram,
  quantile,
  ratios,
  spreadOf,
} from "../../bench/rig/statistics.ts";

describe("median", () => {
  test("is the middle value of an odd number of values, whatever their order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 9, 2])).toBe(9);
  });

  test("is the mean of the two middle values of an even number", () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  test("leaves its input as it was and refuses an empty one", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
    expect(() => median([])).toThrow(RangeError);
  });

  test("stands in a spread between the least and the greatest value", () => {
    expect(spreadOf([7, 3, 4])).toEqual({ median: 4, min: 3, max: 7 });
  });
});

describe("quantile", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

  test("is the smallest value that the share of all values does not exceed", () => {
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0.991)).toBe(100);
  });

  test("is the least value at 0 and the greatest at 1", () => {
    expect(quantile(hundred, 0)).toBe(1);
    expect(quantile(hundred, 1)).toBe(100);
  });
});

test("ratios are taken round by round", () => {
  expect(ratios([1, 6], [2, 3])).toEqual([0.5, 2]);
  expect(() => ratios([1], [1, 2])).toThrow(RangeError);
});

test("subjects take turns in one order and then in the other", () => {
  expect([0, 1, 2].map((round) => abba(["a", "b", "c"], round).join(""))).toEqual([
    "abc",
    "cba",
    "abc",
  ]);
});

describe("a histogram in microseconds", () => {
  test("gives quantiles to the next microsecond and the longest exactly", () => {
    const histogram = new MicrosecondHistogram(1000);
    for (let us = 0; us < 100; us++) histogram.record(us + 0.25);
    expect(histogram.count).toBe(100);
    expect(histogram.quantile(0.5)).toBe(50);
    expect(histogram.quantile(1)).toBe(99.25);
    expect(histogram.max).toBe(99.25);
  });

  test("answers with the longest where a quantile lies beyond its bound", () => {
    const histogram = new MicrosecondHistogram(10);
    histogram.record(3);
    histogram.record(5000.5);
    expect(histogram.quantile(0.5)).toBe(4);
    expect(histogram.quantile(0.99)).toBe(5000.5);
  });

  test("is zero when nothing was recorded", () => {
    expect(new MicrosecondHistogram().quantile(0.99)).toBe(0);
  });
});
