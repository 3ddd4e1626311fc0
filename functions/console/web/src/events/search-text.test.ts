import { describe, expect, it } from "vitest";
import { parse } from "./search-text";

const filters = (text: string) => parse(text).filters;
const error = (text: string) => parse(text).error;

describe("the text of the search box", () => {
  it("has fields, quoted values and words", () => {
    expect(filters('action:login user:"Ann Lee" mail relay')).toEqual({
      action: "login",
      user: "Ann Lee",
      search: "mail relay",
    });
    expect(filters("ip:2001:db8::1")).toEqual({ ip: "2001:db8::1" });
    expect(filters("https://example.org nosuch:field")).toEqual({ search: "https://example.org nosuch:field" });
    expect(filters('  "two words"  ')).toEqual({ search: "two words" });
    const query = 'context.geo.country = "DE" and user.username ~ "Ann Lee"';
    expect(filters(query)).toEqual({ search: query });
    expect(filters("action:")).toEqual({ search: "action:" });
    expect(filters("")).toEqual({});
    expect(filters("action:Login and user:ann")).toEqual({ action: "login", user: "ann" });
    expect(filters("user:ann and context.n = 1 or context.n = 2")).toBeUndefined();
  });
  it("has networks", () => {
    for (const ip of ["203.0.113.0/24", "2001:db8::/32", "::ffff:192.0.2.7", "0.0.0.0/0"])
      expect(filters(`ip:${ip}`)).toEqual({ ip });
    for (const wrong of [
      "203.0.113",
      "203.0.113.0/33",
      "203.0.113.0/",
      "300.0.0.1",
      "office",
      "::1/129",
      "1.2.3.4/8/8",
    ])
      expect(error(`ip:${wrong}`)).toContain("neither an address nor a network");
  });
  it("joins fields by OR", () => {
    const either = '(user.username = "ann" or context.username = "ann")';
    expect(filters("user:ann OR user:bob")).toEqual({
      search: 'user.username = "ann" or context.username = "ann" or user.username = "bob" or context.username = "bob"',
    });
    expect(filters("user:ann action:login or ip:10.0.0.0/8")).toEqual({
      search: `${either} and action = "login" or client_ip = "10.0.0.0/8"`,
    });
    expect(filters("app:shop OR action:model_*")).toEqual({
      search: 'app = "shop" or app startswith "shop." or action startswith "model_"',
    });
    expect(filters("object:7 or object:x")).toEqual({
      search: 'context.model.pk in ("7", 7) or context.model.pk = "x"',
    });
  });
  it("excludes fields by a minus sign, or by NOT", () => {
    expect(filters("-action:login")).toEqual({ search: 'action != "login"' });
    expect(filters("NOT action:model_*")).toEqual({ search: 'action not startswith "model_"' });
    expect(filters("action:login -user:ann")).toEqual({
      search: 'action = "login" and user.username != "ann" and context.username != "ann"',
    });
    expect(filters("-app:shop -model:shop.order")).toEqual({
      search:
        'app != "shop" and app not startswith "shop." and (context.model.app != "shop" or context.model.model_name != "order")',
    });
  });
  it("explains what has no meaning", () => {
    expect(error("user:ann user:bob")).toContain("write OR between them");
    expect(error("user:ann OR")).toContain("between two fields");
    expect(error("OR user:ann")).toContain("OR is not a field");
    expect(error("user:ann OR relay")).toContain("relay is not a field");
    expect(error("-relay")).toContain("Only a field can be excluded");
    expect(error("ann OR bob")).toContain("joins fields");
    expect(error("action:what?")).toContain("is not an action");
    for (const text of ['"ann OR bob"', '"-relay"', "-1", "mail - relay", "this or that"])
      expect(filters(text)).toEqual({ search: text.replaceAll('"', "") });
  });
});
