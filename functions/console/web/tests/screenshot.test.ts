/** The picture in the README: the event log with a burst of failed logins. `npm run screenshot` takes it again. */

import { statSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { browser, type Nuncio, start, visit } from "./harness";
import { history } from "./seed";

/** Kept in the repository, and loaded with every look at the README. */
const FILE = "../screenshot.png";
const MAX_BYTES = 150_000;

let nuncio: Nuncio;
let chrome: Browser;

beforeAll(async () => {
  [nuncio, chrome] = await Promise.all([start(), browser()]);
  await nuncio.post(history(600, Date.now() - 60_000, 7));
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
});

it.runIf(process.env.SCREENSHOT)("takes the picture", async () => {
  const { page, context, faults } = await visit(chrome, nuncio, "/events?range=7d");
  await page.setViewportSize({ width: 1280, height: 600 });
  await page.getByText("What happened").first().waitFor();
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: FILE });
  await context.close();
  expect(faults).toEqual([]);
});

it("is small enough for the README", () => {
  expect(statSync(FILE).size).toBeLessThan(MAX_BYTES);
});
