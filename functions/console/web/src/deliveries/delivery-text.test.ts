import { expect, it } from "vitest";
import type { Delivery, DeliveryState, Suppression, Trace } from "../api/types";
import { stamp } from "../format/time";
import { eventTime, suppressionText, traceText } from "./delivery-text";

const until = "2026-01-02T03:04:05Z";
const delivery = (state: DeliveryState, recipient: string, more: Partial<Delivery> = {}): Delivery => ({
  id: "",
  event: "",
  rule: "r",
  transport: "t",
  recipient,
  state,
  attempts: [],
  next_at: null,
  ...more,
});
const digest: Suppression = { by: "digest", why: "", until, state: "delivered" };
const died: Suppression = { ...digest, state: "dead", error: "the receiver answered 403" };
const mute: Suppression = { by: "mute", why: "", until };
const trace = (deliveries: Delivery[], matched = true): Trace => ({
  event: "",
  version: 1,
  held_back: null,
  rules: [{ rule: "r", matched, policies: [], deliveries }],
  detections: [],
});

it.each([
  [[], "Nobody was notified, although 1 rule matched."],
  [[delivery("delivered", "ann")], "ann was notified."],
  [
    [delivery("delivered", "bob"), delivery("delivered", "ann"), delivery("dead", "bob")],
    "ann and bob were notified; of 3 deliveries, 1 dead.",
  ],
  [["a", "b", "c", "d", "e"].map((name) => delivery("delivered", name)), "a, b, c and 2 more were notified."],
  [[delivery("suppressed", "ann", { suppressed: mute })], "Nobody was notified: 1 delivery suppressed."],
  [
    [delivery("suppressed", "ann", { suppressed: digest }), delivery("suppressed", "bob", { suppressed: digest })],
    "ann and bob were notified in a digest.",
  ],
  [[delivery("suppressed", "ann", { suppressed: died })], "Nobody was notified: 1 delivery dead."],
  [
    [delivery("suppressed", "ann", { suppressed: { ...digest, state: "retrying" } })],
    "Nobody was notified: 1 delivery pending.",
  ],
  [[delivery("retrying", "ann"), delivery("retrying", "bob")], "Nobody was notified: 2 deliveries retrying."],
  [[delivery("retrying", "ann"), delivery("dead", "bob")], "Nobody was notified; of 2 deliveries, 1 dead, 1 retrying."],
])("the text of %j", (deliveries, text) => expect(traceText(trace(deliveries))).toBe(text));

it("says when no rule matched", () =>
  expect(traceText(trace([], false))).toBe("Nobody was notified: no rule matched."));

it("explains a suppression in local time", () => {
  const throttle: Suppression = {
    by: "throttle",
    why: "",
    max: 5,
    per: "PT1H",
    key: { client_ip: "192.0.2.7", "user.x": null },
    until,
  };
  expect(suppressionText(throttle)).toBe(
    `throttled: at most 5 events in 1 h for client_ip 192.0.2.7 and user.x missing; next possible ${stamp(until)}`,
  );
  expect(suppressionText({ by: "silence", why: "", author: "ann", reason: "\u202etest", until })).toBe(
    `silenced by ann until ${stamp(until)}: ‹U+202E›test`,
  );
  expect([digest, died, { ...digest, state: "retrying" as const }].map(suppressionText)).toEqual([
    `included in the digest of ${stamp(until)}`,
    `not delivered: the digest of ${stamp(until)} failed: the receiver answered 403`,
    `waiting for the digest of ${stamp(until)}`,
  ]);
  const unknown = { by: "something new", why: "in the server's words", until } as unknown as Suppression;
  expect(suppressionText(unknown)).toBe("in the server's words");
});

it("reads the time of an event from its pk", () =>
  expect(eventTime("01a2292f-7d99-7577-bcbd-bdd37e13321c").toISOString()).toBe("2026-11-29T21:21:47.929Z"));
