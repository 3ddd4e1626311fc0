/** An operator's tasks, in a real browser on a real Nuncio with 100,000 events. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browser, type Nuncio, journey as onPage, start } from "./harness";
import { history } from "./seed";

let nuncio: Nuncio;
let chrome: Browser;
const receiver = createServer((_, response) => response.writeHead(400).end("not like this"));

beforeAll(async () => {
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  const { port } = receiver.address() as AddressInfo;
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  const source = (await nuncio.api("GET", "/v1/config")).body as string;
  const rules = source.replace(
    /^transports:$/m,
    `allow_networks: [127.0.0.0/8]\ntransports:\n  picky: { mode: webhook, url: "http://127.0.0.1:${port}/" }`,
  );
  const more = `${rules.replace(/^policies:$/m, "policies:\n  slow: { event_matcher: { action: page_stuck } }").replace(/^rules:$/m, "rules:\n  stuck: { group: admins, severity: warning, transports: [picky, default-local-transport], policies: [slow] }")}`;
  const { status, body } = await fetch(`${nuncio.url}/v1/config`, {
    method: "PUT",
    body: more,
    headers: { Authorization: `Bearer ${nuncio.token}`, "If-Match": '"0"' },
  }).then(async (response) => ({ status: response.status, body: await response.text() }));
  expect(body, String(status)).toContain("version");
  await nuncio.post(history(100_000, Date.now() - 120_000, 30));
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
  receiver.close();
});

const journey = (path: string, act: (page: Page) => Promise<void>, signedIn = true) =>
  onPage(chrome, nuncio, path, act, {}, signedIn);

const rows = (page: Page) => page.locator("tbody tr");

/** The selected suggestion of a field, as a screen reader reads it. */
const active = (page: Page, label: string) =>
  page
    .getByLabel(label)
    .evaluate((field) => document.getElementById(field.getAttribute("aria-activedescendant") ?? "")?.textContent);

describe("signing in", () => {
  it("takes a token, hides it from scripts, and drops it", () =>
    journey(
      "/deliveries",
      async (page) => {
        await page.getByLabel("Token").fill("wrong");
        await page.getByRole("button", { name: "Sign in" }).click();
        await page.getByRole("alert").getByText("unknown token").waitFor();
        await page.getByLabel("Token").fill(nuncio.token);
        await page.keyboard.press("Enter");
        // The page that was requested before signing in.
        await page.getByRole("heading", { name: "Deliveries" }).waitFor();
        const [cookie] = await page.context().cookies();
        expect(cookie).toMatchObject({ name: "nuncio_session", httpOnly: true, sameSite: "Strict" });
        expect(await page.evaluate(() => document.cookie + JSON.stringify(localStorage))).not.toContain(nuncio.token);
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.getByLabel("Token").waitFor();
        expect(await page.context().cookies()).toEqual([]);
      },
      false,
    ));

  it("is requested again when the session ends", () =>
    journey("/events", async (page) => {
      await rows(page).first().waitFor();
      // The next poll for new events notices.
      await page.context().clearCookies();
      await page.getByText("Your session has ended").waitFor();
    }));
});

it("the first load is small, compressed, and cached", () =>
  journey("/events", async (page) => {
    await rows(page).first().waitFor();
    const sizes = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .map((entry) => entry as PerformanceResourceTiming)
        .filter((entry) => !entry.name.includes("/v1/"))
        .map((entry) => ({ name: entry.name, bytes: entry.transferSize })),
    );
    const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
    expect(sizes.length).toBeGreaterThan(2);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(150_000);
    const script = await fetch(sizes.find((one) => one.name.endsWith(".js"))!.name, {
      headers: { "Accept-Encoding": "gzip, br" },
    });
    expect(script.headers.get("cache-control")).toContain("immutable");
    expect(script.headers.get("content-encoding")).toBe("br");
  }));

describe("events", () => {
  it("arrive live, and older ones are loaded on scrolling", () =>
    journey("/events", async (page) => {
      await rows(page).first().waitFor();
      expect(await rows(page).count()).toBe(50);
      await page.mouse.move(600, 500);
      await page.mouse.wheel(0, 20_000);
      await expect.poll(() => rows(page).count()).toBeGreaterThan(90);
      await nuncio.post([{ action: "custom_arrival", context: { message: "Just now" } }]);
      await page.getByRole("button", { name: "1 new event" }).click();
      await expect.poll(() => rows(page).first().textContent()).toContain("Just now");
      await nuncio.post([{ action: "custom_arrival", context: { message: "And now" } }]);
      await expect.poll(() => rows(page).first().textContent(), { timeout: 20_000 }).toContain("And now");
    }));

  it("are searched with completion, with the keyboard only", () =>
    journey("/events", async (page) => {
      await rows(page).first().waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("action:login_f");
      await page.getByRole("option", { name: "action:login_failed" }).waitFor();
      await page.keyboard.press("ArrowDown");
      expect(await active(page, "Search events")).toMatch(/^action:login_failed/);
      await page.keyboard.press("Enter");
      await page.waitForURL("**/events?action=login_failed");
      await page.keyboard.type("user:chidi ");
      await page.keyboard.press("Enter");
      await page.waitForURL("**/events?action=login_failed&user=chidi");
      await rows(page).first().waitFor();
      await expect
        .poll(async () =>
          (await page.locator("td.what").allTextContents()).every((text) => text.startsWith("as chidi from ")),
        )
        .toBe(true);
      const filters = page.getByRole("list", { name: "Filters" });
      expect(await filters.getByRole("listitem").count()).toBe(3);
      await page.getByRole("button", { name: "Remove the filter user chidi" }).click();
      await page.waitForURL("**/events?action=login_failed");
      await page.goBack();
      await page.waitForURL("**&user=chidi");
      await page.getByText("as chidi").first().waitFor();
      await page.evaluate(() => (document.activeElement as HTMLElement).blur());
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "login_failed" }).waitFor();
    }));

  it("say that none matches", () =>
    journey("/events?user=nobody&range=24h", async (page) => {
      await page.getByText("No event matches").waitFor();
      await page.getByRole("button", { name: "Remove all filters" }).click();
      await rows(page).first().waitFor();
      // However many events there are.
      await page.getByRole("combobox", { name: "Search events" }).fill('context.message = "nowhere to be found"');
      await page.keyboard.press("Enter");
      await page.getByText("No event matches").waitFor({ timeout: 50_000 });
    }));
});

it("the overview counts all events, and shows their places", () =>
  journey("/overview", async (page) => {
    const panel = (title: string) =>
      page.locator("section.panel").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
    await panel("Users").getByRole("link", { name: "ann.lee" }).waitFor({ timeout: 50_000 });
    await panel("Actions").getByRole("link", { name: "login", exact: true }).waitFor();
    const places = panel("Places");
    await places.getByText(/have a location/).waitFor({ timeout: 50_000 });
    const shown = (await places.locator("p.dim").first().textContent())!
      .match(/[\d,]+/g)!
      .map((number) => Number(number.replace(/,/g, "")));
    const pins = await places.getByRole("list", { name: "Places" }).locator(".number").allTextContents();
    expect(shown[1]).toBeGreaterThan(5_000);
    expect(pins.map((number) => Number(number.replace(/,/g, ""))).reduce((sum, one) => sum + one, 0)).toBe(shown[0]);
    expect(await places.locator("circle.pin").count()).toBe(pins.length);
    await panel("Users").getByRole("link", { name: "ann.lee" }).click();
    await page.waitForURL("**/events?user=ann.lee&range=24h");
  }));

it("the volume is stacked by action, and zooms by dragging and by keys", () =>
  journey("/silences", async (page) => {
    const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    const bucket = (back: number, action: string, count: number) => ({
      time: new Date(hour - back * 3_600_000).toISOString(),
      action,
      count,
    });
    await page.route(/\/v1\/events\/volume/, (route) =>
      route.fulfill({
        json: { results: [bucket(3, "login", 40), bucket(3, "login_failed", 400), bucket(9, "login", 60)] },
      }),
    );
    await page.goto(`${nuncio.url}/events?range=24h`);
    await page.getByText("500 events in this time range").waitFor();
    await page.getByRole("button", { name: "login_failed 400" }).waitFor();
    const plot = page.getByRole("slider", { name: /Volume of events/ });
    await plot.focus();
    await page.keyboard.press("ArrowLeft");
    expect(await plot.getAttribute("aria-valuetext")).toContain("440 events");
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.7, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/since=.*until=/);
    const chosen = page.getByRole("list", { name: "Filters" });
    expect(await chosen.getByRole("listitem").count()).toBe(1);
    await page.getByRole("button", { name: "Zoom out" }).click();
    await page.waitForURL((url) => url.searchParams.has("since") && !url.searchParams.has("until"));
    await page.getByRole("button", { name: /Remove the filter time/ }).click();
    await page.waitForURL("**/events");
    await page.goto(`${nuncio.url}/events?range=24h`);
    await page.getByRole("button", { name: "login_failed 400" }).click();
    await page.waitForURL(/action=login_failed/);
  }));

describe("one event", () => {
  const open = async (page: Page, action: string) => {
    await page.goto(`${nuncio.url}/events?action=${action}`);
    await rows(page).first().locator("a").click();
    await page.getByRole("heading", { name: action }).waitFor();
  };

  it("shows what changed, where it broke, and why nobody was notified", () =>
    journey("/events", async (page) => {
      await open(page, "model_updated");
      const change = page.getByRole("row", { name: /^is_active/ });
      expect(await change.getByRole("cell").allTextContents()).toEqual(["yes", "no"]);
      await page.getByText("Nobody was notified: no rule matched.").waitFor();
      await page.getByText(/wanted configuration_error/).waitFor();
      await open(page, "system_exception");
      await page.getByText("/app/sums.py:7").waitFor();
      await page.getByText("Raw JSON").click();
      await page.locator("pre").getByText('"ZeroDivisionError"').waitFor();
    }));

  it(
    "becomes a rule that is tried, applied, and notifies",
    () =>
      journey("/events", async (page) => {
        await open(page, "order_paid");
        await page.getByRole("button", { name: "Alert on events like this" }).click();
        await page
          .getByText(/it would have matched [\d,]+ times on \d+ days \([\d,]+ events tried\)/)
          .waitFor({ timeout: 120_000 });
        await page.getByRole("button", { name: "Add to the rules document" }).click();
        const text = page.getByLabel("The rules document");
        await expect.poll(() => text.inputValue()).toContain("  order-paid-checkout:\n    severity: warning\n");
        await page.getByText("No faults.").waitFor();
        await page.getByRole("button", { name: "Dry run" }).click();
        await page.getByLabel("Last").selectOption("1");
        await page.getByRole("row", { name: /order-paid-checkout/ }).waitFor({ timeout: 60_000 });
        await page.getByText("tried, nothing was sent").waitFor({ timeout: 60_000 });
        await page.getByRole("button", { name: "Apply" }).click();
        await page.getByRole("link", { name: "History" }).click();
        await page.getByText("Version 2").click();
        await page
          .locator(".line-diff .added")
          .filter({ hasText: /order-paid-checkout:$/ })
          .waitFor();
        await page.getByRole("link", { name: "Inbox" }).click();
        await nuncio.post([{ action: "order_paid", app: "shop.checkout", context: { message: "Notify of this" } }]);
        await page.getByText("Notify of this").waitFor({ timeout: 20_000 });
        await page.getByText("1 unseen").first().waitFor({ timeout: 20_000, state: "attached" });
        await page.getByRole("button", { name: "Mark all as seen" }).click();
        await page.getByText("No unseen notifications").waitFor();
        await page.getByRole("button", { name: "All", exact: true }).click();
        await page.getByRole("link", { name: "Show the event" }).click();
        await page.getByText("admin was notified.", { exact: true }).waitFor();
      }),
    240_000,
  );
});

it("faults in the document are located, and prevent applying it", () =>
  journey("/rules?view=document", async (page) => {
    const text = page.getByLabel("The rules document");
    await text.fill("retention: days=365\nruels: {}\n");
    await page.getByRole("button", { name: /^2:1/ }).click();
    expect(await text.evaluate((area: HTMLTextAreaElement) => area.selectionStart)).toBe(
      "retention: days=365\n".length,
    );
    expect(await page.getByRole("button", { name: "Apply" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Discard changes" }).click();
    await page.getByText("No faults.").waitFor();
  }));

it("warnings about the document are located, and do not prevent applying it", () =>
  journey("/rules?view=document", async (page) => {
    const text = page.getByLabel("The rules document");
    await text.fill("policies:\n  p: { event_pattern: { action: [Login] } }\n");
    await page.getByRole("button", { name: /^2:34/ }).click();
    expect(await text.evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart))).toMatch(
      /^Login]/,
    );
    expect(await page.getByRole("button", { name: "Apply" }).isDisabled()).toBe(false);
    await page.getByRole("button", { name: "Discard changes" }).click();
    await page.getByText("1 warning").waitFor({ state: "detached" });
  }));

it("the editor completes the document with the keyboard only, and each step can be undone", () =>
  journey("/rules?view=document", async (page) => {
    const text = page.getByLabel("The rules document");
    await page.getByText("No faults.").waitFor();
    await text.fill("");
    const offered = page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
    const write = (keys: string) => page.keyboard.type(keys);
    await write("gro");
    await expect.poll(() => offered.allTextContents()).toEqual([expect.stringMatching(/^groups/)]);
    await page.keyboard.press("Tab");
    await write("admins: [ann]\n");
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Backspace");
    await write("rules:\nstuck:\nsev");
    await page.keyboard.press("Tab");
    // Suggestions appear at once, but none is selected.
    await expect.poll(() => offered.allTextContents()).toEqual(["noticethe default", "warning", "alert"]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    expect(await active(page, "The rules document")).toBe("warning");
    await page.keyboard.press("Enter");
    await write("\ngroup: ");
    await expect.poll(() => offered.allTextContents()).toEqual(["admins"]);
    await page.keyboard.press("Tab");
    expect(await text.inputValue()).toBe(
      "groups:\n  admins: [ann]\nrules:\n  stuck:\n    severity: warning\n    group: admins",
    );
    await page.getByText("No faults.").waitFor();
    await page.keyboard.press("Control+z");
    expect(await text.inputValue()).toMatch(/group: $/);
    // Without suggestions, the key leaves the field, as usual.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("BUTTON");
    await page.getByRole("button", { name: "Discard changes" }).click();
  }));

it("the inbox is updated live, without polling", () =>
  journey("/inbox", async (page) => {
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    await page.waitForTimeout(1_000);
    let asked = 0;
    page.on("request", (request) => (asked += Number(new URL(request.url()).pathname === "/v1/notifications")));
    await page.waitForTimeout(12_000);
    expect(asked).toBe(0);
    await nuncio.post([{ action: "configuration_error", context: { message: "The relay hangs" } }]);
    await page.getByText("The relay hangs").waitFor();
    await page.getByText("1 unseen").first().waitFor({ state: "attached" });
    // With another token of the same user.
    await nuncio.api("POST", "/v1/notifications/mark_all_seen");
    await page.getByText("No unseen notifications").waitFor();
    expect(asked).toBeLessThan(8);
  }));

it("a dead delivery says why, and is redelivered", () =>
  journey("/deliveries?state=dead", async (page) => {
    await nuncio.post([{ action: "page_stuck", context: { message: "Stuck" } }]);
    const dead = page.getByRole("listitem").filter({ hasText: "the receiver answered 400" });
    await dead.waitFor({ timeout: 20_000 });
    await dead.getByRole("button", { name: "1 attempt" }).click();
    await dead.getByRole("cell", { name: "400", exact: true }).waitFor();
    await dead.getByRole("button", { name: "Redeliver" }).click();
    await dead.getByRole("button", { name: "2 attempts" }).waitFor({ timeout: 20_000 });
    await page.getByRole("button", { name: "Redeliver all dead deliveries" }).click();
    await page.getByText("1 delivery redelivered").waitFor();
    await dead.getByRole("button", { name: "3 attempts" }).waitFor({ timeout: 20_000 });
    await page.getByRole("link", { name: "Transports" }).click();
    const picky = page.getByRole("listitem").filter({ hasText: "picky" });
    await picky.getByRole("button", { name: "Send test" }).click();
    await picky.getByText("not like this", { exact: true }).waitFor();
    const inbox = page.getByRole("listitem").filter({ hasText: "default-local-transport" });
    await inbox.getByRole("button", { name: "Send test" }).click();
    await inbox.getByText("Delivered").waitFor();
    await picky.getByText("Used by stuck").waitFor();
    // The overview shows it, too.
    await page.goto(`${nuncio.url}/overview`);
    await page.getByText("picky: the receiver answered 400").waitFor({ timeout: 50_000 });
    await page.getByRole("link", { name: "picky" }).click();
    await page.waitForURL("**/deliveries?transport=picky");
    await page.getByRole("link", { name: "Rules" }).click();
    const stuck = page.getByRole("listitem").filter({ hasText: "Notifies group admins via picky" });
    await stuck.getByText("action is page_stuck").waitFor();
    await stuck.getByRole("link", { name: "Edit" }).click();
    const text = page.getByLabel("The rules document");
    await text.waitFor();
    await expect
      .poll(() =>
        text.evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart).trimStart().slice(0, 6)),
      )
      .toBe("stuck:");
  }));

it("all events of an object are one click away, and can be exported", () =>
  journey("/events?action=model_updated&range=7d", async (page) => {
    await rows(page).first().locator("a").click();
    await page.getByTitle("Everything that happened to this object").click();
    await page.waitForURL("**/events?model=authentik_core.user&object=7e88f4a991c442c1a1335d80f08*");
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: /^Remove the filter object/ }).click();
    await page.getByRole("combobox", { name: "Search events" }).fill("user:chidi");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/events?user=chidi&model=authentik_core.user");
    await page.getByText("Export").click();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: /^CSV/ }).click();
    const file = await saved;
    expect(file.suggestedFilename()).toMatch(/^events-.*\.csv$/);
    const { readFile } = await import("node:fs/promises");
    const [head, ...lines] = (await readFile(await file.path(), "utf8")).trim().split("\n");
    expect(head).toContain("action");
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.every((line) => line.includes("model_updated") && line.includes("chidi"))).toBe(true);
  }));

it("says when Nuncio does not respond, and recovers", () =>
  journey("/deliveries", async (page) => {
    await page.getByRole("heading", { name: "Deliveries" }).waitFor();
    await page.waitForTimeout(500);
    await page.route("**/v1/**", (route) => route.abort());
    await page.getByText(/Nuncio has not responded since/).waitFor({ timeout: 20_000 });
    await page.unroute("**/v1/**");
    await page.getByText(/Nuncio has not responded since/).waitFor({ state: "detached", timeout: 40_000 });
  }));

it("a silence has a preview, and can be ended", () =>
  journey("/silences?rule=stuck", async (page) => {
    await page.getByText(/it would have suppressed/).waitFor({ timeout: 60_000 });
    await page.getByLabel("Reason").fill("Maintenance <b>");
    await page.getByRole("button", { name: "Create silence" }).click();
    const silence = page.getByRole("listitem").filter({ hasText: "Maintenance <b>" });
    await silence.getByText("active, ends in").waitFor();
    await silence.getByRole("button", { name: "End now" }).click();
    await page.getByText("No active silences").waitFor();
  }));
