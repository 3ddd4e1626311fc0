import { expect, it } from "vitest";
import { answer, happened, keptBack } from "./delivery-words";
import { stamp } from "./time";
import type { Delivery, State, Trace } from "./types";

const delivery = (state: State, recipient: string, more: Partial<Delivery> = {}): Delivery => ({ id: "", event: "", rule: "r", transport: "t", recipient, state, attempts: [], next_at: null, ...more });
const digest = { by: "digest", why: "" };
const trace = (deliveries: Delivery[], matched = true): Trace => ({ event: "", version: 1, held_back: null, rules: [{ rule: "r", matched, policies: [], deliveries }] });

it.each([
  [[], "Nobody was told, though 1 rule matched."],
  [[delivery("delivered", "ann")], "ann was told."],
  [[delivery("delivered", "bob"), delivery("delivered", "ann"), delivery("dead", "bob")], "ann and bob were told; of 3 deliveries 1 failed for good."],
  [["a", "b", "c", "d", "e"].map((name) => delivery("delivered", name)), "a, b, c and 2 more were told."],
  [[delivery("suppressed", "ann", { suppressed: { by: "mute", why: "" } })], "Nobody was told: 1 delivery kept back."],
  [[delivery("suppressed", "ann", { suppressed: digest }), delivery("suppressed", "bob", { suppressed: digest })], "ann and bob were told in a digest."],
  [[delivery("retrying", "ann"), delivery("retrying", "bob")], "Nobody was told: 2 deliveries to be tried again."],
  [[delivery("retrying", "ann"), delivery("dead", "bob")], "Nobody was told; of 2 deliveries 1 failed for good, 1 to be tried again."],
])("who was told of %j", (deliveries, said) => expect(answer(trace(deliveries))).toBe(said));

it("nobody where no rule matched", () => expect(answer(trace([], false))).toBe("Nobody was told: no rule matched."));

it("what kept one back is told by the reader's clock", () => {
  const until = "2026-01-02T03:04:05Z";
  expect(keptBack({ by: "throttle", why: "", max: 5, per: "PT1H", key: { client_ip: "192.0.2.7", "user.x": null }, until })).toBe(
    `throttled: at most 5 events in 1 h for client_ip 192.0.2.7 and user.x missing; room again ${stamp(until)}`,
  );
  expect(keptBack({ by: "silence", why: "", author: "ann", reason: "\u202etest", until })).toBe(`silenced by ann until ${stamp(until)}: ‹U+202E›test`);
  expect(keptBack({ by: "something new", why: "as the server says" })).toBe("as the server says");
});

it("an event's pk tells when it happened", () => expect(happened("01a2292f-7d99-7577-bcbd-bdd37e13321c").toISOString()).toBe("2026-11-29T21:21:47.929Z"));
