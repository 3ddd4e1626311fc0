/** The console's numbers: they are exact, or say what they cover, and agree with the lists behind them. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { browser, type Nuncio, journey as onPage, start } from "./harness";

let nuncio: Nuncio;
let chrome: Browser;
const forbidding = createServer((_, response) => response.writeHead(403).end("no"));

const RULES = (port: number) => `
allow_networks: [127.0.0.0/8]
groups: { admins: [ann] }
transports:
  inbox: { mode: local }
  forbidden: { mode: webhook, url: "http://127.0.0.1:${port}/" }
policies:
  orders: { event_matcher: { action: order_paid } }
  slow: { event_matcher: { action: page_slow } }
rules:
  orders: { group: admins, transports: [inbox, forbidden], policies: [orders] }
  slow: { group: admins, transports: [inbox], policies: [slow], throttle: { max: 1, per: hours=24 } }
`;

beforeAll(async () => {
  await new Promise<void>((listening) => forbidding.listen(0, "127.0.0.1", listening));
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  await nuncio.apply(RULES((forbidding.address() as AddressInfo).port));
  const user = { username: "ann" };
  await nuncio.post(Array.from({ length: 20 }, () => ({ action: "order_paid", app: "shop.web", user })));
  await delivered({ dead: 20 });
  // More suppressed deliveries than one page of the list holds, all newer than the dead ones.
  await nuncio.post(Array.from({ length: 1_300 }, () => ({ action: "page_slow", app: "shop", user })));
  await delivered({ dead: 20, suppressed: 1_299 });
  // An hour ago, and just before; and a failed login by somebody who says to be ann.
  const before = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  await nuncio.post([
    ...Array.from({ length: 7 }, () => ({ action: "logout", app: "shop", user, created: before(58) })),
    ...Array.from({ length: 11 }, () => ({ action: "logout", app: "shop", user, created: before(63) })),
    { action: "login_failed", app: "shop", user: { username: "AnonymousUser" }, context: { username: "Ann" } },
  ]);
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
  forbidding.close();
});

/** Waits until the ledger has these numbers of deliveries. */
async function delivered(wanted: Record<string, number>): Promise<void> {
  const counts = async () => {
    const { body } = await nuncio.api("GET", "/v1/deliveries/summary");
    const { transports } = body as { transports: Record<string, number>[] };
    return Object.fromEntries(
      Object.keys(wanted).map((state) => [state, transports.reduce((sum, one) => sum + one[state]!, 0)]),
    );
  };
  const deadline = Date.now() + 60_000;
  for (let found = await counts(); JSON.stringify(found) !== JSON.stringify(wanted); found = await counts()) {
    if (Date.now() > deadline) throw new Error(`the ledger has ${JSON.stringify(found)}`);
    await new Promise((later) => setTimeout(later, 250));
  }
}

const journey = (path: string, act: (page: Page) => Promise<void>) => onPage(chrome, nuncio, path, act);

const number = (text: string | null) => Number(/[\d,]+/.exec(text ?? "")?.[0].replaceAll(",", ""));

it("the health of the deliveries counts all of the time range, not only the newest", () =>
  journey("/overview?range=1h", async (page) => {
    const panel = page.getByRole("region", { name: "Deliveries" });
    await panel.getByText("51.2% of 41 completed deliveries succeeded. 1,340 deliveries, last hour.").waitFor();
    await panel.getByText("20 dead").waitFor();
    await panel.getByText("21 delivered, 1,299 suppressed").waitFor();
    await panel.getByText("forbidden: the receiver answered 403").waitFor();
  }));

it("the health says how far back it counted, if it could not count all", () =>
  journey("/silences", async (page) => {
    const from = new Date(Date.now() - 600_000).toISOString();
    await page.route(/\/v1\/deliveries\/summary/, async (route) => {
      const response = await route.fetch();
      const summary = await response.json();
      await route.fulfill({ response, json: { ...summary, counted: { ...summary.counted, from } } });
    });
    await page.goto(`${nuncio.url}/overview?range=1h`);
    await page.getByText(/the newest ones only, counted back to \d{4}-/).waitFor();
    await page.getByRole("link", { name: "Transports" }).click();
    await page
      .getByText(/^Since \d{4}-/)
      .first()
      .waitFor();
  }));

it("a transport whose deliveries all fail says so, whatever the reason, with its rates and its last success", () =>
  journey("/transports", async (page) => {
    const forbidden = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "forbidden" }) });
    await forbidden.getByText(/Failing: all 20 deliveries of the last 24 hours failed\. Last failure .*403/).waitFor();
    await forbidden.getByText("0% of 20 succeeded").first().waitFor();
    await forbidden.getByText("none of these deliveries").waitFor();
    const inbox = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "inbox" }) });
    await inbox.getByText("100% of 21 succeeded").first().waitFor();
    expect(await inbox.locator("dd").last().textContent()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(await inbox.getByText("Failing").count()).toBe(0);
  }));

it("the last hour is an hour: the graph, the overview and the list agree", () =>
  journey("/events?range=1h", async (page) => {
    const expected = 20 + 1_300 + 7 + 1;
    // Nuncio adds events of its own: one for the transport that fails.
    const total = page.getByText(/events in this time range/).locator("b");
    await expect.poll(async () => number(await total.textContent())).toBeGreaterThanOrEqual(expected);
    const shown = number(await total.textContent());
    expect(shown).toBeLessThan(expected + 11);
    for (let rows = 0; rows < shown; ) {
      await page.mouse.wheel(0, 50_000);
      await expect.poll(() => page.locator("tbody tr").count()).toBeGreaterThan(rows);
      rows = await page.locator("tbody tr").count();
    }
    await page.getByText(`All ${shown.toLocaleString("en")} events shown.`).waitFor();
    await page.goto(`${nuncio.url}/overview?range=1h`);
    await page.getByText(`${shown.toLocaleString("en")} events since`).waitFor();
    // The axis ends now: the last bar reaches the right edge.
    const plot = (await page.getByRole("slider").boundingBox())!;
    const bars = await page
      .locator(".volume-plot path.bar")
      .evaluateAll((all) => Math.max(...all.map((one) => one.getBoundingClientRect().right)));
    expect(plot.x + plot.width - bars).toBeLessThan(plot.width / 20);
  }));

it("a number of the overview is the number of events in the list that it opens", () =>
  journey("/overview?range=1h", async (page) => {
    for (const [title, name, total] of [
      ["Users", "ann", 1_328],
      ["Apps", "shop", 1_308],
      ["Apps", "shop.web", 20],
      ["Actions", "page_slow", 1_300],
    ] as const) {
      const panel = page.getByRole("region", { name: title, exact: true });
      const item = panel.getByRole("listitem").filter({ has: page.getByRole("link", { name, exact: true }) });
      expect(number(await item.locator("b").textContent())).toBe(total);
      await item.getByRole("link").click();
      await page.getByText(`${total.toLocaleString("en")} events in this time range`).waitFor();
      await page.goBack();
    }
  }));

it("the graph counts the first event as soon as the list shows it", () =>
  journey("/events?action=first_of_all&range=1h", async (page) => {
    await page.getByText("No event matches").waitFor();
    await page.getByText("0 events in this time range").waitFor();
    await nuncio.post([{ action: "first_of_all" }]);
    await page.locator("tbody tr").first().waitFor({ timeout: 20_000 });
    await page.getByText("1 events in this time range").waitFor({ timeout: 20_000 });
  }));

it("a failed transport's event is dated to the failure, not to the hour", async () => {
  const { body } = await nuncio.api("GET", "/v1/events?action=configuration_error&limit=1");
  const [event] = (body as { results: { created: string; context: { transport: string } }[] }).results;
  expect(event?.context.transport).toBe("forbidden");
  const { body: list } = await nuncio.api("GET", "/v1/deliveries?transport=forbidden&state=dead&limit=50");
  const attempts = (list as { results: { attempts: { at: string; ms: number }[] }[] }).results.flatMap((one) =>
    one.attempts.map((attempt) => Date.parse(attempt.at)),
  );
  // Within the second after the first failure: the event's time has milliseconds.
  expect(Date.parse(event!.created) - Math.min(...attempts)).toBeGreaterThanOrEqual(-1);
  expect(Date.parse(event!.created)).toBeLessThan(Math.max(...attempts) + 5_000);
});
