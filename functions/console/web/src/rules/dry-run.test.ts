import { expect, it } from "vitest";
import { add, emptyReport, total } from "./dry-run";

it("adds up the reports of several parts", () => {
  const counts = (matches: number) => ({
    old: { matches, deliveries: 0 },
    new: { matches: 2 * matches, deliveries: 1 },
  });
  const part = (events: number, day: string) => ({
    events,
    rules: { r: { [day]: counts(events) } },
    differences: { r: { gained: 1, gained_examples: [day], lost: 0, lost_examples: [] } },
    messages: { r: { ann: 1 } },
    suppressed: { r: { throttle: events } },
  });
  const sum = add(add(emptyReport(), part(3, "d1")), part(4, "d2"));
  expect(sum.events).toBe(7);
  expect(total(sum, "r")).toEqual({ old: { matches: 7, deliveries: 0 }, new: { matches: 14, deliveries: 2 } });
  expect(sum.differences.r).toEqual({ gained: 2, gained_examples: ["d1", "d2"], lost: 0, lost_examples: [] });
  expect(sum.messages.r?.ann).toBe(2);
  expect(sum.suppressed.r?.throttle).toBe(7);
  expect(
    add(emptyReport(), { ...emptyReport(), rules: { constructor: { d: counts(1) } } }).rules.constructor,
  ).toBeTypeOf("object");
});
