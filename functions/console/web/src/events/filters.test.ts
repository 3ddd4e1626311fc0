import { describe, expect, it } from "vitest";
import { fromAddress, paths, suggest, timeRange, toAddress, toQuery, unreadableTimes } from "./filters";

const now = Date.parse("2026-01-31T12:00:00Z");

describe("the search box", () => {
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
  it("drops what makes no sense, and says which times those are", () => {
    const address = new URLSearchParams("range=9y&since=yesterday&action=&other=1");
    expect(fromAddress(address)).toEqual({});
    expect(unreadableTimes(address)).toEqual(["since=yesterday"]);
  });
  it("takes dates, and offsets whose plus sign is not encoded", () => {
    const filters = fromAddress(new URLSearchParams("since=2026-03-01&until=2026-03-02T00:00:00+01:00"));
    expect(timeRange(filters, now)).toEqual({
      since: Date.parse("2026-03-01T00:00:00Z"),
      until: Date.parse("2026-03-01T23:00:00Z"),
    });
  });
});

it("filters become the API's parameters", () => {
  expect(toQuery({ user: "ann", ip: "::1", range: "24h" }, now)).toMatchObject({
    username: "ann",
    client_ip: "::1",
    since: "2026-01-30T12:00:00.000Z",
    until: undefined,
  });
  const range = (range: "1h" | "24h") => timeRange({ range }, now + 1_834_567).since;
  expect([range("1h"), range("24h")]).toEqual([Date.parse("2026-01-31T11:30:00Z"), Date.parse("2026-01-30T12:00:00Z")]);
  expect(timeRange({ since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z" }, now)).toEqual({
    since: Date.parse("2026-01-01"),
    until: Date.parse("2026-01-02"),
  });
});
