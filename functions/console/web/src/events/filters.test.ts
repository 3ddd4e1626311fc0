import { describe, expect, it } from "vitest";
import { fromAddress, parse, paths, suggest, timeRange, toAddress, toQuery } from "./filters";

const now = Date.parse("2026-01-31T12:00:00Z");

describe("the search box", () => {
  it("reads fields, quoted values and words", () => {
    expect(parse('action:login user:"Ann Lee" mail relay')).toEqual({
      action: "login",
      user: "Ann Lee",
      search: "mail relay",
    });
    expect(parse("ip:2001:db8::1")).toEqual({ ip: "2001:db8::1" });
    expect(parse("https://example.org nosuch:field")).toEqual({ search: "https://example.org nosuch:field" });
    expect(parse('  "two words"  ')).toEqual({ search: "two words" });
    const query = 'context.geo.country = "DE" and user.username ~ "Ann Lee"';
    expect(parse(query)).toEqual({ search: query });
    expect(parse("action:")).toEqual({ search: "action:" });
    expect(parse("")).toEqual({});
  });
  it("completes fields, then values, with matching prefixes first", () => {
    const known = {
      action: ["shop_login"],
      user: ["ann", "Ann Lee"],
      app: [],
      ip: [],
      model: [],
      object: [],
      paths: paths("context", { geo: { city: "Bonn" }, list: [1], "a b": 1 }),
    };
    expect(suggest("", known).map((one) => one.label)).toEqual([
      "action:",
      "user:",
      "app:",
      "ip:",
      "model:",
      "object:",
    ]);
    expect(suggest("action:login", known).map((one) => one.label)).toEqual([
      "action:login",
      "action:login_failed",
      "action:shop_login",
    ]);
    expect(suggest("user:a", known).map((one) => one.label)).toEqual(["user:ann", 'user:"Ann Lee"']);
    expect(suggest("impers", known).map((one) => one.label)).toContain("action:impersonation_started");
    expect(suggest("context.g", known).map((one) => one.label)).toEqual(["context.geo.city = "]);
  });
});

describe("the address", () => {
  it("carries the filters there and back", () => {
    const filters = { action: "model_*", user: "Ann Lee & co", search: "50%", since: "2026-01-01T00:00:00Z" };
    expect(fromAddress(new URLSearchParams(toAddress(filters).split("?")[1]))).toEqual(filters);
    expect(toAddress({})).toBe("/events");
  });
  it("drops what makes no sense", () => {
    expect(fromAddress(new URLSearchParams("range=9y&since=yesterday&action=&other=1"))).toEqual({});
  });
});

it("filters become the API's parameters", () => {
  expect(toQuery({ user: "ann", ip: "::1", range: "24h" }, now)).toMatchObject({
    username: "ann",
    client_ip: "::1",
    since: "2026-01-30T12:00:00.000Z",
    until: undefined,
  });
  expect(timeRange({ since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z" }, now)).toEqual({
    since: Date.parse("2026-01-01"),
    until: Date.parse("2026-01-02"),
  });
});
