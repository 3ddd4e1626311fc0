/** The search box: each text finds what it says, or the console explains why it does not. */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { browser, type Nuncio, journey as onPage, start } from "./harness";

let nuncio: Nuncio;
let chrome: Browser;

const EVENTS = [
  { action: "login", user: { username: "ann" }, client_ip: "203.0.113.7" },
  { action: "login", user: { username: "bob" }, client_ip: "203.0.113.200" },
  { action: "logout", user: { username: "ann" }, client_ip: "203.0.114.1" },
  { action: "order_paid", user: { username: "cyd" }, client_ip: "2001:db8::7" },
];

beforeAll(async () => {
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  await nuncio.post(EVENTS);
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
});

const journey = (path: string, act: (page: Page) => Promise<void>) => onPage(chrome, nuncio, path, act);

async function search(page: Page, text: string): Promise<void> {
  await page.getByRole("combobox", { name: "Search events" }).fill(text);
  await page.keyboard.press("Enter");
}

it.each([
  ["ip:203.0.113.0/24", ["203.0.113.7", "203.0.113.200"]],
  ["ip:2001:db8::/32", ["2001:db8::7"]],
  ["user:ann OR user:bob", ["203.0.113.7", "203.0.113.200", "203.0.114.1"]],
  ["-action:login", ["203.0.114.1", "2001:db8::7"]],
  ["user:ann -action:login", ["203.0.114.1"]],
  ['client_ip = "203.0.112.0/22" AND action = "logout"', ["203.0.114.1"]],
])("%s finds these events", (text, addresses) =>
  journey("/events", async (page) => {
    await page.locator("tbody tr").first().waitFor();
    await search(page, text);
    const found = async () => (await page.locator("td.from").allTextContents()).toSorted();
    await expect.poll(found).toEqual(addresses.toSorted());
    expect(await page.getByText("Searched for as plain text").count()).toBe(0);
  }),
);

it.each([
  ["ip:203.0.113", "203.0.113 is neither an address nor a network. Write ip:203.0.113.7 or ip:203.0.113.0/24."],
  ["user:ann user:bob", "user: is there twice, and an event has one. For events with either, write OR between them."],
  ["user:ann OR relay", "relay is not a field. With OR and -, only fields can be searched"],
  ["-relay", "Only a field can be excluded, such as -action:login. To find -relay itself, put it in quotes."],
  ["ann OR bob", "OR joins fields, such as user:ann OR user:bob, and not texts."],
])("%s is explained, and nothing else is searched", (text, explanation) =>
  journey("/events?range=24h", async (page) => {
    await page.locator("tbody tr").first().waitFor();
    await search(page, text);
    await page.getByRole("alert").getByText(explanation).waitFor();
    expect(new URL(page.url()).search).toBe("?range=24h");
    expect(await page.locator("tbody tr").count()).toBe(EVENTS.length);
    await search(page, "");
    await page.getByRole("alert").waitFor({ state: "detached" });
  }),
);

it("an address may have a date, or an offset whose plus sign is not encoded", async () => {
  const created = new Date(Date.now() - 60_000).toISOString().slice(0, 19);
  for (const since of ["2026-03-01", `${created.slice(0, 10)}T00:00:00+01:00`])
    await journey(`/events?since=${since}`, async (page) => {
      await page.getByText(/^from \d{4}-\d\d-\d\d/).waitFor();
      await page.locator("tbody tr").first().waitFor();
    });
  await journey("/events?since=yesterday", async (page) => {
    await page.getByText("Ignored since=yesterday of the address: not a time.").waitFor();
    await page.locator("tbody tr").first().waitFor();
  });
});
