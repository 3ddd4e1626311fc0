import { describe, expect, it } from "vitest";
import { landPath } from "../../build/world";
import { labelled, pins } from "./pins";
import { MAP, project } from "./projection";

describe("the map", () => {
  it("projects places to their positions", () => {
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
      const points = ring
        .slice(1)
        .split("L")
        .map((point) => point.split(",").map(Number) as [number, number]);
      points.forEach(([x, y], at) => {
        expect(y).toBeLessThanOrEqual(MAP.height);
        expect(Math.abs(x - points.at(at - 1)![0])).toBeLessThan(120);
      });
    }
  });
  it("groups close places into one pin", () => {
    const at = (value: string, count: number) => ({ value, count });
    const found = pins([
      at("52.5,13.4,DE,Berlin, Mitte", 7),
      at("52.4,13.05,DE,Potsdam", 2),
      at("-33.8,151.2,AU,Sydney", 1),
      at("x,13,,none", 1),
      at("99,1,,none", 1),
    ]);
    expect(found.map((pin) => [pin.city, pin.country, pin.count])).toEqual([
      ["Berlin, Mitte", "DE", 9],
      ["Sydney", "AU", 1],
    ]);
    expect(labelled([...found, { ...found[0]!, count: 1 }])).toEqual(found);
  });
});
