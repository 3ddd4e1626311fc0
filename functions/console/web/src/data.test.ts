import { describe, expect, it } from "vitest";
import { landPath } from "../build/world";
import { fieldChanges, hunks, lineChanges } from "./differences";
import { labelled, pins } from "./places";
import { MAP, project } from "./projection";
import { add, nothing, total } from "./rehearsal";
import { placeOf } from "./routes";
import { ago, bucketFor, lasting, stamp, took, whole } from "./time";
import { colourOf, roundUp, stack } from "./volume";

describe("volume", () => {
  it("stacks the most frequent actions, in the order of time", () => {
    const buckets = Array.from({ length: 10 }, (_, at) => ({ time: "2026-01-01T01:00:00Z", action: `a${at}`, count: at + 1 }));
    const stacked = stack([...buckets, { time: "2026-01-01T00:00:00Z", action: "a9", count: 5 }]);
    expect(stacked.series.map((one) => one.action)).toEqual(["a9", "a8", "a7", "a6", "a5", "a4", "a3", "others"]);
    expect(stacked.series.at(-1)?.total).toBe(1 + 2 + 3);
    expect(stacked.columns.map((column) => column.total)).toEqual([5, 55]);
    expect([stacked.total, stacked.highest]).toEqual([60, 55]);
  });
  it("an empty one is empty", () => expect(stack([])).toEqual({ series: [], columns: [], highest: 0, total: 0 }));
  it("rounds the scale up", () => expect([0, 1, 3, 11, 60, 100, 2001].map(roundUp)).toEqual([1, 1, 4, 20, 60, 100, 4000]));
  it("gives actions colours of their own, and keeps them", () => {
    const actions = ["order_paid", "page_slow", "a", "b", "c", "d"];
    const colours = actions.map(colourOf);
    expect(new Set(colours).size).toBe(actions.length);
    expect(actions.map(colourOf)).toEqual(colours);
    expect([colourOf("login_failed"), colourOf("others")]).toEqual(["c3", "c0"]);
  });
});

describe("differences", () => {
  it("of a model", () => {
    expect(fieldChanges({ email: { previous_value: null, new_value: "x" }, users: { add: [1] }, odd: 3 })).toEqual([
      { field: "email", before: null, after: "x" },
      { field: "users", relation: [{ kind: "add", members: [1] }] },
      { field: "odd", after: 3 },
    ]);
    expect(fieldChanges("none")).toEqual([]);
    expect(fieldChanges({ a: { previous_value: { x: 1 }, new_value: null }, b: { previous_value: { x: 1 }, new_value: 2 }, c: { previous_value: {}, new_value: null } })).toEqual([
      { field: "a.x", before: 1, after: undefined },
      { field: "b", before: { x: 1 }, after: 2 },
      { field: "c", before: {}, after: null },
    ]);
    const nested = { previous_value: { a: { x: 1, y: 2 }, b: 3 }, new_value: { a: { x: 1, y: 5, z: { deep: [1] } }, b: 3 } };
    expect(fieldChanges({ attributes: nested })).toEqual([
      { field: "attributes.a.y", before: 2, after: 5 },
      { field: "attributes.a.z.deep", before: undefined, after: [1] },
    ]);
  });
  it("of a document", () => {
    const lines = lineChanges("a\nb\nc\nd", "a\nc\nx\nd");
    expect(lines.map((line) => `${line.kind[0]}${line.text}`)).toEqual(["sa", "rb", "sc", "ax", "sd"]);
    const long = Array.from({ length: 30 }, (_, at) => String(at)).join("\n");
    expect(hunks(lineChanges(long, long.replace("15", "fifteen"))).filter(Boolean)).toHaveLength(8);
    expect(hunks(lineChanges(long, long))).toEqual([]);
  });
});

it("reports of parts of the history add up", () => {
  const counts = (matches: number) => ({ old: { matches, deliveries: 0 }, new: { matches: 2 * matches, deliveries: 1 } });
  const part = (events: number, day: string) => ({ events, rules: { r: { [day]: counts(events) } }, differences: { r: { gained: 1, gained_examples: [day], lost: 0, lost_examples: [] } }, messages: { r: { ann: 1 } }, suppressed: { r: { throttle: events } } });
  const sum = add(add(nothing(), part(3, "d1")), part(4, "d2"));
  expect(sum.events).toBe(7);
  expect(total(sum, "r")).toEqual({ old: { matches: 7, deliveries: 0 }, new: { matches: 14, deliveries: 2 } });
  expect(sum.differences.r).toEqual({ gained: 2, gained_examples: ["d1", "d2"], lost: 0, lost_examples: [] });
  expect(sum.messages.r?.ann).toBe(2);
  expect(sum.suppressed.r?.throttle).toBe(7);
  expect(add(nothing(), { ...nothing(), rules: { constructor: { d: counts(1) } } }).rules.constructor).toBeTypeOf("object");
});

describe("the map", () => {
  it("has the world's places where they are", () => {
    expect(project(0, 84)?.y).toBeCloseTo(0);
    const [west, east] = [project(-180, 0)!, project(180, 0)!];
    expect([west.x, east.x]).toEqual([expect.closeTo(0), expect.closeTo(MAP.width)]);
    expect(project(400, 0)).toBeUndefined();
    expect(project(Number.NaN, 0)).toBeUndefined();
  });
  it("draws the land without a line across the world", () => {
    const rings = landPath().split("Z").filter(Boolean);
    expect(rings.length).toBeGreaterThan(200);
    for (const ring of rings) {
      const points = ring.slice(1).split("L").map((point) => point.split(",").map(Number) as [number, number]);
      points.forEach(([x, y], at) => {
        expect(y).toBeLessThanOrEqual(MAP.height);
        expect(Math.abs(x - points.at(at - 1)![0])).toBeLessThan(120);
      });
    }
  });
  it("puts near places under one pin", () => {
    const at = (value: string, count: number) => ({ value, count });
    const found = pins([at("52.5,13.4,DE,Berlin, Mitte", 7), at("52.4,13.05,DE,Potsdam", 2), at("-33.8,151.2,AU,Sydney", 1), at("x,13,,none", 1), at("99,1,,none", 1)]);
    expect(found.map((pin) => [pin.city, pin.country, pin.count])).toEqual([
      ["Berlin, Mitte", "DE", 9],
      ["Sydney", "AU", 1],
    ]);
    expect(labelled([...found, { ...found[0]!, count: 1 }])).toEqual(found);
  });
});

it("addresses lead to pages", () => {
  expect(placeOf("/", "").page).toBe("events");
  expect(placeOf("/events/a%2Fb", "?x=1")).toMatchObject({ page: "events", id: "a/b" });
  for (const path of ["/nowhere", "/rules/1", "/events/1/2", "/constructor"]) expect(placeOf(path, "").page).toBeUndefined();
});

it("times are short", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  expect(["2026-01-01T11:59:59.5Z", "2026-01-01T11:58:00Z", "2026-01-01T15:30:00Z", "2025-12-30T12:00:00Z"].map((at) => ago(at, now))).toEqual(["now", "2 min ago", "in 3 h", "2 d ago"]);
  expect([took(850), took(1234)]).toEqual(["850 ms", "1.2 s"]);
  expect([bucketFor(3_600_000), bucketFor(14 * 86_400_000), bucketFor(300 * 86_400_000)]).toEqual(["1h", "6h", "1d"]);
  expect(whole(now + 1, now + 2, "6h")).toEqual({ since: now, until: now + 6 * 3_600_000 });
  expect(stamp("never")).toBe("never");
  expect(["PT1H30M", "PT168H", "PT0.5S", "soon"].map(lasting)).toEqual(["1 h 30 min", "168 h", "0.5 s", "soon"]);
});
