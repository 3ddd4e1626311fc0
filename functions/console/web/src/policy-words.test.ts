import { expect, it } from "vitest";
import { meaning } from "./policy-words";
import type { JsonObject } from "./types";

it.each<[JsonObject, string]>([
  [{ event_matcher: { action: ["login", "logout"], app: "shop", model: null } }, "action is login or logout and app is shop"],
  [{ event_matcher: {} }, "every event"],
  [{ event_pattern: { action: ["login"], context: { geo: { country: [{ "anything-but": ["DE", "AT"] }] } } } }, "action is login and context.geo.country is neither DE nor AT"],
  [{ event_pattern: { context: { ms: [{ numeric: [">", 10, "<=", 20] }] } } }, "context.ms is > 10 and <= 20"],
  [{ event_pattern: { client_ip: [{ cidr: "10.0.0.0/8" }, { exists: false }] } }, "client_ip lies in 10.0.0.0/8 or is not there"],
  [{ event_pattern: { app: [{ "anything-but": { prefix: "shop." } }, { "anything-but": "x" }] } }, "app is nothing that begins with shop. or is not x"],
  [{ event_pattern: { $or: [{ app: [""] }, { action: [{ suffix: "_failed" }] }] } }, '(app is "") or (action ends with _failed)'],
])("%j is told in words", (policy, words) => {
  expect(meaning(policy)).toEqual({ kind: "words", text: words });
});

it("what has no words stays as it is written", () => {
  expect(meaning({ expression: { source: "return True\n" } })).toEqual({ kind: "python", source: "return True" });
  expect(meaning(undefined)).toEqual({ kind: "json", text: "null" });
  expect(meaning({ event_pattern: { a: [{ new: 1 }] } })).toEqual({ kind: "words", text: "a new 1" });
});
