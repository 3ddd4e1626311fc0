import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ACTIONS } from "../events/filters";
import { colourOf, roundUp, stack } from "./stack";

describe("volume", () => {
  it("stacks the most frequent actions in the order of time", () => {
    const buckets = Array.from({ length: 10 }, (_, at) => ({
      time: "2026-01-01T01:00:00Z",
      action: `a${at}`,
      count: at + 1,
    }));
    const stacked = stack([...buckets, { time: "2026-01-01T00:00:00Z", action: "a9", count: 5 }]);
    expect(stacked.series.map((one) => one.action)).toEqual(["a9", "a8", "a7", "a6", "a5", "a4", "a3", "others"]);
    expect(stacked.series.at(-1)?.total).toBe(1 + 2 + 3);
    expect(stacked.columns.map((column) => column.total)).toEqual([5, 55]);
    expect([stacked.total, stacked.highest]).toEqual([60, 55]);
  });
  it("is empty without events", () => expect(stack([])).toEqual({ series: [], columns: [], highest: 0, total: 0 }));
  it("rounds the scale up", () =>
    expect([0, 1, 3, 11, 60, 100, 2001].map(roundUp)).toEqual([1, 1, 4, 20, 60, 100, 4000]));
});

describe("colours", () => {
  it("assigns each action its own colour and keeps it", () => {
    const actions = [...ACTIONS, "order_paid", "page_slow", "a", "b", "c", "d"];
    const colours = actions.map(colourOf);
    expect(new Set(colours).size).toBe(actions.length);
    expect(actions.toReversed().map(colourOf).toReversed()).toEqual(colours);
    expect(colourOf("others")).toBe("c0");
  });
  it.each(["light", "dark"])("can be told apart side by side, and from the page: %s", (theme) => {
    const css = readFileSync(new URL("../styles/base.css", import.meta.url), "utf8");
    const value = (name: string) => {
      const found = new RegExp(`--${name}: light-dark\\((#\\w+), (#\\w+)\\)`).exec(css);
      return lab(found![theme === "light" ? 1 : 2]!);
    };
    const colours = Array.from({ length: 37 }, (_, at) => value(`c${at}`));
    const panel = value("panel");
    colours.forEach((one, at) => {
      // WCAG 2.2, 1.4.11: graphics have a contrast of 3 to 1. The grey of all other actions has a label beside it.
      const [high, low] = [Math.max(one.luminance, panel.luminance), Math.min(one.luminance, panel.luminance)];
      if (at > 0) expect((high + 0.05) / (low + 0.05), `--c${at}`).toBeGreaterThan(2.99);
      // In OKLab, 0.02 is a difference that is just noticed.
      for (const other of colours.slice(0, at)) {
        const apart = Math.hypot(...one.axes.map((axis, place) => axis - other.axes[place]!));
        expect(apart, `--c${at} and --c${colours.indexOf(other)}`).toBeGreaterThan(0.07);
      }
    });
  });
});

/** The colour in OKLab (https://bottosson.github.io/posts/oklab/), and its relative luminance as WCAG defines it. */
function lab(hex: string): { axes: [number, number, number]; luminance: number } {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {
    axes: [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ],
    luminance: 0.2126 * r + 0.7152 * g + 0.0722 * b,
  };
}
