/** What fits, what stays where it is, and what can be hit with a finger. */

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browser, type Look, type Nuncio, journey as onPage, start } from "./harness";
import { DEEP, history } from "./seed";

let nuncio: Nuncio;
let chrome: Browser;
let pks: { deep: string; tables: string; matched: string };

/** Lists of small objects, also far down. */
const TABLES = {
  action: "group_synced",
  context: {
    members: [
      { pk: "018650dd-2c93-7f1e-8afe-ad5af90bf680", name: "ann.lee@example.org" },
      { pk: "018650dd-2c93-7f1e-8afe-ad5af90bf681", name: "bob" },
    ],
    source: { directory: { changes: [{ pk: 7, name: "operators", state: "added" }] } },
  },
};

beforeAll(async () => {
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  await nuncio.post(history(400, Date.now() - 60_000, 1));
  const named = [{ action: "configuration_error", context: { message: "The relay hangs" } }, DEEP, TABLES];
  const [matched = "", deep = "", tables = ""] = await nuncio.post(named);
  pks = { deep, tables, matched };
  await nuncio.apply(`${(await nuncio.api("GET", "/v1/config")).body as string}# one more version\n`);
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
});

const journey = (path: string, act: (page: Page) => Promise<void>, look: Look = {}) =>
  onPage(chrome, nuncio, path, act, look);

const PAGES: Record<string, [path: () => string, shows: string]> = {
  events: [() => "/events?range=24h&action=login", "What happened"],
  event: [() => `/events/${pks.matched}`, "admin was notified"],
  deep: [() => `/events/${pks.deep}`, "attributes.settings.locale"],
  overview: [() => "/overview", "have a location"],
  inbox: [() => "/inbox", "The relay hangs"],
  deliveries: [() => "/deliveries", "default-local-transport"],
  rules: [() => "/rules", "default-notify-update"],
  document: [() => "/rules?view=document", "No faults."],
  history: [() => "/rules?view=history", "Restore in the editor"],
  transports: [() => "/transports", "default-email-transport"],
  silences: [() => "/silences?rule=default-notify-update", "it would have suppressed"],
};

/** WCAG 2.2, 2.5.8: targets have at least 24 by 24 pixels, unless they stand in a sentence. */
describe.each(Object.entries<Look>({ desktop: {}, phone: { phone: true } }))("targets on a %s", (_, look) => {
  it.each(Object.entries(PAGES))("%s", (_, [path, shows]) =>
    journey(
      path(),
      async (page) => {
        await page.getByText(shows).first().waitFor({ state: "attached" });
        await page.waitForLoadState("networkidle");
        const small = await page.evaluate(() => {
          const inSentence = (one: Element) =>
            getComputedStyle(one).display === "inline" &&
            [...(one.parentElement?.childNodes ?? [])].some(
              (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
            );
          return [...document.querySelectorAll("a, button, summary, input, select, textarea, label:has(input)")]
            .filter((one) => one.checkVisibility() && !one.closest(".skip, label input") && !inSentence(one))
            .filter((one) => {
              // A label extends the target of its field.
              if (one.matches("input") && one.closest("label")) return false;
              // A link may extend over its whole row.
              const area = getComputedStyle(one, "::after").position === "absolute" ? one.closest("tr")! : one;
              const { width, height } = area.getBoundingClientRect();
              return width < 23.9 || height < 23.9;
            })
            .map((one) => {
              const { width, height } = one.getBoundingClientRect();
              return `${one.tagName}.${one.className} ${one.textContent?.slice(0, 30)}: ${width.toFixed()}×${height.toFixed(1)}`;
            });
        });
        expect([...new Set(small)].slice(0, 12)).toEqual([]);
      },
      look,
    ),
  );
});

it("a dry run and its changes fit a phone", () =>
  journey(
    "/rules?view=document",
    async (page) => {
      await page.getByText("No faults.").waitFor();
      const text = page.getByLabel("The rules document");
      const rules = await text.inputValue();
      await text.fill(
        rules.replace(
          /^rules:$/m,
          `rules:\n  a-rule-with-a-rather-long-name-that-goes-on-${"and-on-".repeat(8)}: { group: admins, transports: [default-local-transport], policies: [default-match-configuration-error] }`,
        ),
      );
      await page.getByRole("button", { name: "Dry run" }).click();
      await page.getByText("tried, nothing was sent").waitFor({ timeout: 60_000 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBe(390);
      const out = await page
        .locator("main *:not(.scroll *, pre *)")
        .evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().right > 391).map((one) => one.className));
      expect(out).toEqual([]);
    },
    { phone: true },
  ));

/** The cells whose text is broken within a word. */
const brokenWords = (cells: Locator) =>
  cells.evaluateAll(
    (all) =>
      all.filter((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        return !/\s/.test(cell.textContent ?? "") && (cell.textContent ?? "").length < 12 && lines.size > 1;
      }).length,
  );

it.each([false, true])("tables in the context do not break short words (phone: %s)", (phone) =>
  journey(
    `/events/${pks.tables}`,
    async (page) => {
      await page.getByRole("columnheader", { name: "state" }).waitFor();
      const cells = page.locator(".value-table th, .value-table td bdi, .entry dt bdi");
      expect(await cells.count()).toBeGreaterThan(8);
      expect(await brokenWords(cells)).toBe(0);
    },
    { phone },
  ),
);

it.each([false, true])("the tooltip of the graph lies beside its bar (phone: %s)", (phone) =>
  journey(
    "/events?range=24h",
    async (page) => {
      await page.getByText(/events in this time range/).waitFor();
      await page.locator(".volume-plot path.bar").first().waitFor({ state: "attached" });
      const plot = page.getByRole("slider");
      await plot.focus();
      for (let bar = 0; bar < 20; bar += 1) {
        await page.keyboard.press("ArrowRight");
        const [tooltip, pointed] = await Promise.all(
          [".tooltip", ".pointed"].map((name) => page.locator(name).boundingBox()),
        );
        const apart = tooltip!.x >= pointed!.x + pointed!.width || tooltip!.x + tooltip!.width <= pointed!.x;
        expect(apart, `bar ${bar}`).toBe(true);
      }
    },
    { phone },
  ),
);

it("Zoom out stays where it is while it is clicked again and again", () =>
  journey("/events", async (page) => {
    const now = Date.now();
    const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
    await page.goto(`${nuncio.url}/events?since=${at(90)}&until=${at(80)}`);
    const button = page.getByRole("button", { name: "Zoom out" });
    await page.getByText(/\d events in this time range/).waitFor();
    const place = await button.boundingBox();
    for (let times = 0; times < 3; times += 1) {
      const before = page.url();
      await page.mouse.click(place!.x + 10, place!.y + 10);
      await expect.poll(() => page.url()).not.toBe(before);
      await page.getByText(/\d events in this time range/).waitFor();
      expect(await button.boundingBox()).toEqual(place);
    }
  }));

it("what has just arrived is not in the future", () =>
  journey("/transports", async (page) => {
    await page.route(/\/v1\/notifications\?/, async (route) => {
      const response = await route.fetch();
      const list = await response.json();
      // By a clock that is ahead of the browser's.
      for (const item of list.results) item.created = new Date(Date.now() + 1_500).toISOString();
      await route.fulfill({ response, json: list });
    });
    await page.getByRole("link", { name: "Inbox" }).click();
    await page.getByText("The relay hangs").waitFor();
    expect(await page.locator("time").first().textContent()).toBe("now");
    expect(await page.getByText(/^in \d+ s$/).count()).toBe(0);
  }));

it("sentences show times to the second", async () => {
  for (const [path, shows] of Object.values(PAGES))
    await journey(path(), async (page) => {
      await page.getByText(shows).first().waitFor({ state: "attached" });
      expect(await page.locator("main").textContent()).not.toMatch(/\d\d:\d\d:\d\d\.\d{3}/);
    });
});

it("an event has the same colour in the list, on its page, in the graph and on the overview", () =>
  journey("/events?range=24h&action=policy_execution", async (page) => {
    await nuncio.post([{ action: "policy_execution" }, { action: "system_exception" }, { action: "custom_thing" }]);
    const colour = (swatch: Locator) => swatch.first().evaluate((one) => getComputedStyle(one).backgroundColor);
    for (const action of ["policy_execution", "custom_thing"]) {
      await page.goto(`${nuncio.url}/events?range=24h&action=${action}`);
      const own = await colour(page.locator("tbody .swatch"));
      await page.locator(".legend .swatch").first().waitFor();
      expect(await colour(page.locator(".legend .swatch"))).toBe(own);
      await page.locator("tbody a").first().click();
      await page.getByRole("heading", { name: action }).waitFor();
      expect(await colour(page.locator("h1 .swatch"))).toBe(own);
      // In a fresh tab, whatever was shown before.
      const other = await page.context().newPage();
      await other.goto(`${nuncio.url}/events?range=24h`);
      const row = other.locator("tbody tr").filter({ has: other.getByText(action, { exact: true }) });
      expect(await colour(row.locator(".swatch"))).toBe(own);
      await other.close();
    }
  }));
