import { describe, expect, it } from "vitest";
import type { Json, LoggedEvent } from "../api/types";
import { line, percent, plain, summary, truncate, userName, visible } from "./text";

const event = (parts: Partial<LoggedEvent>): LoggedEvent => ({
  pk: "p",
  user: {},
  action: "login",
  app: "",
  context: {},
  client_ip: null,
  created: "2026-01-01T00:00:00Z",
  expires: "2027-01-01T00:00:00Z",
  brand: {},
  ...parts,
});

describe("visible", () => {
  it("names what would show nothing but change how the rest is shown", () => {
    expect(visible("a\u202egnp.exe")).toBe("a‹U+202E›gnp.exe");
    expect(visible("\u2066x\u2069\ufeff\u0007\u001b[31m")).toBe("‹U+2066›x‹U+2069›‹U+FEFF›‹U+0007›‹U+001B›[31m");
    expect(visible("tag\u{e0041}")).toBe("tag‹U+E0041›");
  });
  it("leaves what people write", () => {
    for (const text of ["line\nline\ttab", "naïve Straße שלום 你好", "👨‍👩‍👧 🏳️‍🌈 👩🏽‍🚀", "<b>&amp;"])
      expect(visible(text)).toBe(text);
  });
  it("leaves a joiner only between pictures", () => {
    expect(visible("a\u200db")).toBe("a‹U+200D›b");
  });
});

describe("cut", () => {
  it("never cuts a character in half", () => {
    expect(truncate("abc", 3)).toBe("abc");
    expect(truncate("abcd", 3)).toBe("ab…");
    expect(truncate("a🧨🧨", 3)).toBe("a…");
  });
  it("makes one line of many", () => expect(line(" a\n\n b ")).toBe("a b"));
});

describe("summary", () => {
  it("is the message where there is one", () => {
    expect(summary(event({ context: { message: "Disk full", free: 3 } }))).toBe("Disk full");
  });
  it("says what changed of a model", () => {
    const model = { app: "core", model_name: "user", name: "ann" };
    expect(summary(event({ action: "model_updated", context: { model, diff: { email: {}, name: {} } } }))).toBe(
      "user ann: email, name",
    );
    expect(summary(event({ action: "model_created", context: { model } }))).toBe("user ann");
  });
  it("says which application, and as whom", () => {
    expect(summary(event({ context: { authorized_application: { name: "Wiki", pk: "1" } } }))).toBe("Wiki");
    expect(summary(event({ action: "login_failed", context: { username: "ann", geo: { city: "Oslo" } } }))).toBe(
      "as ann from Oslo",
    );
  });
  it("says what else there is, and at least the request", () => {
    expect(summary(event({ action: "x", context: { a: 1, b: [true, null], http_request: { path: "/" } } }))).toBe(
      "a: 1 · b: yes, none",
    );
    expect(summary(event({ context: { http_request: { method: "GET", path: "/out" } } }))).toBe("GET /out");
    expect(summary(event({}))).toBe("");
  });
});

it("values read as a person would write them", () => {
  const values: (Json | undefined)[] = [null, undefined, true, [], {}, 1.5, "x", { name: "Wiki" }, { a: { b: 1 } }];
  expect(values.map(plain)).toEqual(["none", "none", "yes", "none", "none", "1.5", "x", "Wiki", "a: b: 1"]);
});

it("the user is named by the best name there is", () => {
  expect(userName(event({ user: { pk: 4, username: "", email: "a@b.example" } }))).toBe("a@b.example");
  expect(userName(event({ user: { pk: 4 } }))).toBe("4");
  expect(userName(event({}))).toBe("");
});

it("rounds a share to none or to all only if it is that", () =>
  expect([percent(0, 7), percent(1, 9_999), percent(33_698, 34_334), percent(9_999, 10_000), percent(7, 7)]).toEqual([
    "0%",
    "0.1%",
    "98.1%",
    "99.9%",
    "100%",
  ]));
