/** Going back restores the page as it was left, and every address has a page. */

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { browser, type Nuncio, journey as onPage, start, visit } from "./harness";
import { history } from "./seed";

let nuncio: Nuncio;
let chrome: Browser;

beforeAll(async () => {
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  await nuncio.post(history(1_000, Date.now() - 60_000, 2));
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
});

const journey = (path: string, act: (page: Page) => Promise<void>) => onPage(chrome, nuncio, path, act);

const rows = (page: Page) => page.locator("tbody tr");
const scrolled = (page: Page) => page.evaluate(() => Math.round(scrollY));
const top = (link: Locator) => link.evaluate((one) => Math.round(one.getBoundingClientRect().top));
const focused = (page: Page) => page.evaluate(() => (document.activeElement as HTMLAnchorElement).pathname);

it("going back from an event restores the loaded rows, the position and the focus", () =>
  journey("/events", async (page) => {
    await rows(page).first().waitFor();
    for (let count = 50; count < 200; ) {
      await page.mouse.wheel(0, 20_000);
      await expect.poll(() => rows(page).count()).toBeGreaterThan(count);
      count = await rows(page).count();
    }
    const count = await rows(page).count();
    const link = rows(page).nth(120).locator("a");
    await link.scrollIntoViewIfNeeded();
    const pathname = new URL(await link.evaluate((one: HTMLAnchorElement) => one.href)).pathname;
    const place = await top(link);
    expect(await scrolled(page)).toBeGreaterThan(1_000);
    await link.click();
    await page.getByText("Who was notified, and why").waitFor();
    expect(await scrolled(page)).toBe(0);
    await nuncio.post([{ action: "meanwhile" }]);
    await page.goBack();
    await expect.poll(() => focused(page)).toBe(pathname);
    expect(await rows(page).count()).toBe(count);
    const again = page.locator(`a[href="${pathname}"]`);
    await expect.poll(() => top(again)).toBe(place);
    // What arrived meanwhile waits above.
    await page.getByRole("button", { name: "1 new event" }).waitFor({ timeout: 20_000 });
    await page.goForward();
    await page.getByText("Who was notified, and why").waitFor();
    await page.goBack();
    await expect.poll(async () => Math.abs((await top(again)) - place)).toBeLessThan(2);
  }));

it("going back to the deliveries restores their number and the position", () =>
  journey("/inbox", async (page) => {
    await nuncio.post(
      Array.from({ length: 120 }, (_, at) => ({ action: "configuration_error", context: { message: `Error ${at}` } })),
    );
    await expect
      .poll(async () => {
        const { body } = await nuncio.api("GET", "/v1/deliveries?limit=200&transport=default-local-transport");
        return (body as { results: unknown[] }).results.length;
      })
      .toBeGreaterThan(110);
    await page.getByRole("link", { name: "Deliveries" }).click();
    await page.getByRole("button", { name: "Show older deliveries" }).click();
    const items = page.locator("li.delivery");
    await expect.poll(() => items.count()).toBeGreaterThan(100);
    const link = items.nth(90).locator("a").first();
    await link.scrollIntoViewIfNeeded();
    const place = await top(link);
    expect(await scrolled(page)).toBeGreaterThan(500);
    await link.click();
    await page.getByText("Who was notified, and why").waitFor();
    await page.goBack();
    await expect.poll(() => top(items.nth(90).locator("a").first())).toBe(place);
    expect(await items.count()).toBeGreaterThan(100);
  }));

it("an address without a page says so in the console, not as JSON", () =>
  journey("/rules/versions/7", async (page) => {
    await page.getByText("This page does not exist").waitFor();
    await page.getByRole("link", { name: "Go to the events" }).click();
    await rows(page).first().waitFor();
    const asked = (path: string, accept: string) =>
      fetch(nuncio.url + path, { headers: { Accept: accept, Authorization: `Bearer ${nuncio.token}` } });
    const [page404, api404, tool404] = await Promise.all([
      asked("/nowhere", "text/html,application/xhtml+xml"),
      asked("/v1/nowhere", "text/html"),
      asked("/nowhere", "*/*"),
    ]);
    expect([page404, api404, tool404].map((one) => one.status)).toEqual([404, 404, 404]);
    expect(page404.headers.get("content-type")).toContain("text/html");
    expect(api404.headers.get("content-type")).toContain("problem+json");
    expect(tool404.headers.get("content-type")).toContain("problem+json");
  }));

it("the sign-in page names the folder of this server in the command for a new token", async () => {
  const { page, context, faults } = await visit(chrome, nuncio, "/events", {}, false);
  const command = page.getByText(/nuncio token create --data \S*nuncio-browser-\S*\/data --scope read/);
  await command.waitFor();
  expect(faults).toEqual([]);
  await context.close();
});
