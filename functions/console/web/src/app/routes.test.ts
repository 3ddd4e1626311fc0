import { expect, it } from "vitest";
import { parseRoute } from "./routes";

it("maps addresses to pages", () => {
  expect(parseRoute("/", "").page).toBe("events");
  expect(parseRoute("/events/a%2Fb", "?x=1")).toMatchObject({ page: "events", id: "a/b" });
  for (const path of ["/nowhere", "/rules/1", "/events/1/2", "/constructor"])
    expect(parseRoute(path, "").page).toBeUndefined();
});
