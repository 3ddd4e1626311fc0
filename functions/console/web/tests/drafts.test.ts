/** Unsaved changes of the rules document: nothing but their author discards them. */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { browser, type Nuncio, journey as onPage, start } from "./harness";

let nuncio: Nuncio;
let chrome: Browser;

beforeAll(async () => {
  [nuncio, chrome] = await Promise.all([start(), browser()]);
});

afterAll(async () => {
  await chrome?.close();
  nuncio?.stop();
});

const journey = (path: string, act: (page: Page) => Promise<void>) =>
  onPage(chrome, nuncio, path, (page) => {
    // The browser's question before it discards changes is answered with yes.
    page.removeAllListeners("dialog");
    page.on("dialog", (dialog) => void dialog.accept());
    return act(page);
  });

const CHANGED = "# my change\nretention: days=30\n";
const editor = (page: Page) => page.getByLabel("The rules document");

async function change(page: Page, text = CHANGED): Promise<void> {
  await page.getByText("No faults.").waitFor();
  await editor(page).fill(text);
  await page.getByRole("button", { name: "Discard changes" }).waitFor();
}

it("survive a link, the history, going back, and a reload", () =>
  journey("/rules?view=document", async (page) => {
    await change(page);
    await page.getByRole("link", { name: "Events", exact: true }).click();
    await page.waitForURL("**/events");
    await page.goBack();
    await expect.poll(() => editor(page).inputValue()).toBe(CHANGED);
    await page.getByText("These are your unsaved changes from before.").waitFor();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText("Version 0").waitFor();
    await page.getByRole("link", { name: "Document" }).click();
    await expect.poll(() => editor(page).inputValue()).toBe(CHANGED);
    await page.reload();
    await expect.poll(() => editor(page).inputValue(), { timeout: 10_000 }).toBe(CHANGED);
    await page.getByRole("button", { name: "Discard changes" }).click();
    await page.reload();
    await expect.poll(() => editor(page).inputValue()).not.toBe(CHANGED);
    expect(await page.getByText("unsaved").count()).toBe(0);
  }));

it("are not closed with the tab without a question", () =>
  journey("/rules?view=document", async (page) => {
    await change(page);
    await editor(page).press("End");
    const asked = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    expect((await asked).type()).toBe("beforeunload");
  }));

it("are not replaced by a restored version until their author says so", () =>
  journey("/rules?view=document", async (page) => {
    await nuncio.apply("retention: days=99\n");
    await page.reload();
    await change(page);
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("link", { name: "Restore in the editor" }).first().click();
    await page.getByText("You have unsaved changes. Version 0 would replace them.").waitFor();
    expect(await editor(page).inputValue()).toBe(CHANGED);
    await page.getByRole("button", { name: "Load version 0" }).click();
    await expect.poll(() => editor(page).inputValue()).toContain("default-notify");
    await page.getByRole("button", { name: "Discard changes" }).click();
  }));

it("are kept and compared when somebody else applies a document first", () =>
  journey("/rules?view=document", async (page) => {
    await change(page);
    await nuncio.apply("# theirs\nretention: days=7\n");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText(/changed by somebody else after you began/).waitFor();
    expect(await editor(page).inputValue()).toBe(CHANGED);
    await page.locator(".line-diff .removed").filter({ hasText: "# theirs" }).waitFor();
    expect(await page.getByRole("button", { name: "Apply", exact: true }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Apply mine over it" }).click();
    await page.getByRole("button", { name: "Apply", exact: true }).click();
    await expect.poll(() => page.getByRole("button", { name: "Discard changes" }).count()).toBe(0);
    expect(await editor(page).inputValue()).toBe(CHANGED);
  }));
