import { expect, it } from "vitest";
import type { JsonObject } from "../api/types";
import { meaning } from "./policy-text";

it.each<[JsonObject, string]>([
  [
    { event_matcher: { action: ["login", "logout"], app: "shop", model: null } },
    "action is login or logout and app is shop",
  ],
  [{ event_matcher: {} }, "every event"],
  [
    { event_matcher: { app: "shop", query: 'context.n = 1 or action = "x"' } },
    'app is shop and (context.n = 1 or action = "x")',
  ],
  [
    { event_pattern: { action: ["login"], context: { geo: { country: [{ "anything-but": ["DE", "AT"] }] } } } },
    "action is login and context.geo.country is neither DE nor AT",
  ],
  [{ event_pattern: { context: { ms: [{ numeric: [">", 10, "<=", 20] }] } } }, "context.ms is > 10 and <= 20"],
  [
    { event_pattern: { client_ip: [{ cidr: "10.0.0.0/8" }, { exists: false }] } },
    "client_ip is in 10.0.0.0/8 or does not exist",
  ],
  [
    { event_pattern: { app: [{ "anything-but": { prefix: "shop." } }, { "anything-but": "x" }] } },
    "app is not a value that begins with shop. or is not x",
  ],
  [
    {
      event_pattern: {
        app: [
          { wildcard: "a*b" },
          { wildcard: { "equals-ignore-case": "a*b" } },
          { "anything-but": { wildcard: { "equals-ignore-case": ["*.exe", "*.com"] } } },
        ],
      },
    },
    "app is like a*b or is like a*b in any case or is not a value that is like *.exe or *.com in any case",
  ],
  [
    { event_pattern: { $or: [{ app: [""] }, { action: [{ suffix: "_failed" }] }] } },
    '(app is "") or (action ends with _failed)',
  ],
  [
    { detection: { by: ["client_ip"], kind: { count: { of: "failed", within: "PT5M", at_least: 10 } } } },
    "at least 10 failed within 5 min for each client_ip",
  ],
  [
    { detection: { kind: { count: { of: "failed", distinct: "user.username", within: "PT1H", at_least: 20 } } } },
    "at least 20 different values of user.username in failed within 1 h",
  ],
  [
    {
      detection: {
        by: ["user.username", "app"],
        kind: { first_seen: { of: "logins", value: ["context.geo.country"], remember: "PT720H", learn: "PT0S" } },
      },
    },
    "context.geo.country of logins not seen for 720 h for each user.username and app",
  ],
  [{ detection: { kind: { absent: { of: "backup", every: "PT24H", grace: "PT1H" } } } }, "no backup for 24 h and 1 h"],
  [{ detection: { kind: { absent: { of: "backup", every: "PT24H", grace: "PT0S" } } } }, "no backup for 24 h"],
  [
    { detection: { kind: { sequence: { of: ["many", "login"], within: "PT10M", ordered: true } } } },
    "many then login within 10 min",
  ],
  [
    { detection: { kind: { sequence: { of: ["many", "login"], within: "PT10M", ordered: false } } } },
    "many and login within 10 min",
  ],
])("%j is described in words", (policy, words) => {
  expect(meaning(policy)).toEqual({ kind: "words", text: words });
});

it("a policy without a description is shown as its source", () => {
  expect(meaning({ expression: { source: "return True\n" } })).toEqual({ kind: "python", source: "return True" });
  expect(meaning(undefined)).toEqual({ kind: "json", text: "null" });
  expect(meaning({ detection: { kind: { later: {} } } }).kind).toBe("json");
  expect(meaning({ event_pattern: { a: [{ new: 1 }] } })).toEqual({ kind: "words", text: "a new 1" });
});
