import { expect, it } from "vitest";
import { ago, bucketFor, lasting, since, stamp, took, whole } from "./time";

it("formats times, durations and buckets", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  expect(
    ["2026-01-01T11:59:59.5Z", "2026-01-01T11:58:00Z", "2026-01-01T15:30:00Z", "2025-12-30T12:00:00Z"].map((at) =>
      ago(at, now),
    ),
  ).toEqual(["now", "2 min ago", "in 3 h", "2 d ago"]);
  expect([took(850), took(1234)]).toEqual(["850 ms", "1.2 s"]);
  expect([1, 5, 24, 14 * 24, 300 * 24].map((hours) => bucketFor(hours * 3_600_000))).toEqual([
    "1m",
    "5m",
    "1h",
    "6h",
    "1d",
  ]);
  expect(whole(now + 1, now + 2, 6 * 3_600_000)).toEqual({ since: now, until: now + 6 * 3_600_000 });
  expect(stamp("never")).toBe("never");
  expect(["PT1H30M", "PT168H", "PT0.5S", "soon"].map(lasting)).toEqual(["1 h 30 min", "168 h", "0.5 s", "soon"]);
});

it("never dates what has happened into the future", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  expect(["2026-01-01T12:00:01.5Z", "2026-01-01T11:59:57Z"].map((at) => since(at, now))).toEqual(["now", "3 s ago"]);
});
