/** Every page in every theme and size: accessible, no wider than a phone, and safe against hostile events. */

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browser, type Look, type Nuncio, start, visit } from "./harness";
import { DEEP, HOSTILE, history } from "./seed";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** The folder for screenshots of the pages, for review. Without it, none are taken. */
const SHOTS = process.env.SHOTS;

let nuncio: Nuncio;
let chrome: Browser;
let pks: { model: string; hostile: string; deep: string };

beforeAll(async () => {
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  await nuncio.post(history(400, Date.now() - 60_000, 1));
  const named = [
    { action: "configuration_error", context: { message: "The mail relay is unreachable" } },
    HOSTILE,
    DEEP,
  ];
  const [, hostile = "", deep = ""] = await nuncio.post(named);
  const { body } = await nuncio.api("GET", "/v1/events?action=model_updated&limit=1");
  pks = { model: (body as { results: { pk: string }[] }).results[0]!.pk, hostile, deep };
  const silence = {
    rules: ["default-notify-update"],
    reason: "Release week",
    ends: new Date(Date.now() + 86_400_000).toISOString(),
  };
  expect((await nuncio.api("POST", "/v1/silences", silence)).status).toBe(201);
  if (SHOTS) mkdirSync(SHOTS, { recursive: true });
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
});

const PAGES: Record<string, { path: () => string; shows: string; signedIn?: boolean }> = {
  "sign-in": { path: () => "/events", shows: "Token", signedIn: false },
  events: { path: () => "/events", shows: "What happened" },
  filtered: { path: () => "/events?action=login&user=bob&range=24h", shows: "What happened" },
  event: { path: () => `/events/${pks.model}`, shows: "Who was notified, and why" },
  deep: { path: () => `/events/${pks.deep}`, shows: "attributes.settings.locale" },
  overview: { path: () => "/overview", shows: "have a location" },
  inbox: { path: () => "/inbox", shows: "The mail relay is unreachable" },
  deliveries: { path: () => "/deliveries", shows: "default-local-transport" },
  rules: { path: () => "/rules", shows: "default-notify-update" },
  document: { path: () => "/rules?view=document", shows: "No faults." },
  history: { path: () => "/rules?view=history", shows: "Version 0" },
  transports: { path: () => "/transports", shows: "default-email-transport" },
  silences: { path: () => "/silences?rule=default-notify-update", shows: "Release week" },
  nowhere: { path: () => "/events/018650dd-2c93-7f1e-8afe-ad5af90bf680", shows: "no event has this pk" },
};

const LOOKS: Record<string, Look> = { light: {}, dark: { colorScheme: "dark" }, phone: { phone: true } };

describe.each(Object.entries(LOOKS))("%s", (look, how) => {
  it.each(Object.entries(PAGES))("%s", async (name, { path, shows, signedIn }) => {
    const { page, context, faults } = await visit(chrome, nuncio, path(), how, signedIn ?? true);
    await page.getByText(shows).first().waitFor({ state: "attached" });
    // The content security policy allows no foreign script, but does not apply to the browser's developer tools.
    await page.evaluate(await readAxe());
    const found = (await page.evaluate(
      "axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })",
    )) as AxeResults;
    const violations = found.violations.map(
      (one) =>
        `${one.id}: ${one.nodes
          .map((node) => node.html.slice(0, 160))
          .slice(0, 3)
          .join(" | ")}`,
    );
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${look}.png`, fullPage: true });
    expect(found.passes.length).toBeGreaterThan(10);
    expect(violations).toEqual([]);
    expect(faults).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    await context.close();
  });
});

it("a hostile event is shown as text", async () => {
  for (const path of ["/events", `/events/${pks.hostile}`]) {
    const { page, context, faults } = await visit(chrome, nuncio, path);
    await page.getByText("<img src=x onerror=").first().waitFor();
    expect(await page.title()).not.toBe("broken");
    expect(await page.locator("main img, main script, main b:has-text('Nowhere'), main svg[onload]").count()).toBe(0);
    expect(await page.locator("a[href^='javascript:']").count()).toBe(0);
    // biome-ignore lint/performance/useDomNodeTextContent: the text as it is rendered
    const text = await page.locator("main").innerText();
    expect(text).toContain("‹U+202E›");
    expect(text).toContain("👨‍👩‍👧");
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    if (path !== "/events") {
      await page.getByRole("button", { name: "show all 200,000 characters" }).click();
      await page.getByRole("button", { name: "Show less" }).waitFor();
    }
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  }
});

it("nothing overflows its panel, however deeply nested", async () => {
  for (const pk of [pks.hostile, pks.deep]) {
    for (const phone of [false, true]) {
      const { page, context } = await visit(chrome, nuncio, `/events/${pk}`, { phone });
      await page.getByText("Who was notified, and why").waitFor();
      const out = await page.evaluate(() =>
        [...document.querySelectorAll("section.panel")].flatMap((panel) => {
          const edge = panel.getBoundingClientRect().right + 1;
          return [...panel.querySelectorAll("*")]
            .filter((one) => one.getBoundingClientRect().right > edge && !one.closest("pre"))
            .map((one) => `${one.tagName}.${one.className}`);
        }),
      );
      expect(out).toEqual([]);
      await context.close();
    }
  }
});

it("the colours follow the system, or the user's choice", async () => {
  const { page, context } = await visit(chrome, nuncio, "/silences", { colorScheme: "dark" });
  const back = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
  const dark = await back();
  await page.getByRole("button", { name: "Colours: system" }).click();
  const light = await back();
  expect(light).not.toBe(dark);
  await page.reload();
  await page.getByRole("button", { name: "Colours: light" }).click();
  expect(await back()).toBe(dark);
  await context.close();
});

async function readAxe(): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return readFile(AXE, "utf8");
}
