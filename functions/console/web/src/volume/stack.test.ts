import { describe, expect, it } from "vitest";
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
  it("assigns each action its own colour and keeps it", () => {
    const actions = ["order_paid", "page_slow", "a", "b", "c", "d"];
    const colours = actions.map(colourOf);
    expect(new Set(colours).size).toBe(actions.length);
    expect(actions.map(colourOf)).toEqual(colours);
    expect([colourOf("login_failed"), colourOf("others")]).toEqual(["c3", "c0"]);
  });
});
