/** Starts a Nuncio and a browser for the tests. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { undescribed } from "./described";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../../..");
const TOKEN = "token-of-the-browser-tests";
const ARGUMENTS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Nuncio {
  url: string;
  token: string;
  api: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;
  post: (events: object[]) => Promise<string[]>;
  /** Applies a rules document. */
  apply: (rules: string) => Promise<void>;
  stop: () => void;
}

/** `NUNCIO_BIN`, or the binary that cargo builds. */
function binary(): string {
  if (process.env.NUNCIO_BIN) return process.env.NUNCIO_BIN;
  const lines = execFileSync("cargo", ["build", "-p", "nuncio", "--locked", "--message-format", "json"], {
    cwd: ROOT,
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const artifacts = lines
    .toString()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { executable?: string });
  const built = artifacts.findLast((artifact) => artifact.executable)?.executable;
  if (!built) throw new Error("cargo built no binary");
  return built;
}

export async function start(rules?: string): Promise<Nuncio> {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-browser-"));
  const extra: string[] = [];
  if (rules !== undefined) {
    writeFileSync(join(folder, "rules.yaml"), rules);
    extra.push("--config", join(folder, "rules.yaml"));
  }
  const child: ChildProcess = spawn(binary(), ["serve", "--listen", "127.0.0.1:0", "--log", "warn", ...extra], {
    cwd: folder,
    env: { ...process.env, NUNCIO_TOKEN: TOKEN, NUNCIO_DATA: join(folder, "data"), NUNCIO_CONFIG: undefined },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  let url = "";
  for await (const line of createInterface({ input: child.stdout! })) {
    url = /http:\/\/\S+/.exec(line)?.[0] ?? "";
    if (url) break;
  }
  child.stdout!.resume();
  const api: Nuncio["api"] = async (method, path, body) => {
    const headers = {
      Authorization: `Bearer ${TOKEN}`,
      "Content-Type": typeof body === "string" ? "application/yaml" : "application/json",
    };
    const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    const response = await fetch(url + path, { method, headers, body: text as string | undefined });
    const answer = await response.text();
    return { status: response.status, body: answer.startsWith("{") ? JSON.parse(answer) : answer };
  };
  const post: Nuncio["post"] = async (events) => {
    const pks: string[] = [];
    const batches = Array.from({ length: Math.ceil(events.length / 1000) }, (_, at) =>
      events.slice(at * 1000, (at + 1) * 1000),
    );
    const sender = async () => {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        const { status, body } = await api("POST", "/v1/events", batch);
        if (status !== 202) throw new Error(`${status}: ${JSON.stringify(body).slice(0, 400)}`);
        pks.push(...(body as { results: { pk: string }[] }).results.map((result) => result.pk));
      }
    };
    await Promise.all([sender(), sender(), sender(), sender()]);
    return pks;
  };
  const apply: Nuncio["apply"] = async (rules) => {
    const Authorization = `Bearer ${TOKEN}`;
    const version = (await fetch(`${url}/v1/config`, { headers: { Authorization } })).headers.get("ETag") ?? "";
    const headers = { Authorization, "If-Match": version, "Content-Type": "application/yaml" };
    const response = await fetch(`${url}/v1/config`, { method: "PUT", headers, body: rules });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  };
  return { url, token: TOKEN, api, post, apply, stop };
}

/** `CHROMIUM`, or Debian's. */
export async function browser(): Promise<Browser> {
  const installed = ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find((path) => existsSync(path));
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? installed, args: ARGUMENTS });
}

export interface Look {
  colorScheme?: "light" | "dark";
  phone?: boolean;
}

/** A page that fails the test if it talks to anybody else, breaks the policy, or throws. */
export async function visit(
  chrome: Browser,
  nuncio: Nuncio,
  path = "/",
  look: Look = {},
  signedIn = true,
): Promise<{ page: Page; context: BrowserContext; faults: string[] }> {
  const viewport = look.phone ? { width: 390, height: 844 } : { width: 1360, height: 900 };
  const context = await chrome.newContext({
    viewport,
    colorScheme: look.colorScheme ?? "light",
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
  });
  if (signedIn) {
    // The context keeps the cookie of this session.
    const answer = await context.request.post(`${nuncio.url}/v1/session`, {
      data: { token: TOKEN },
      headers: { Origin: nuncio.url },
    });
    if (!answer.ok()) throw new Error(`${answer.status()}: ${await answer.text()}`);
  }
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // Failed requests are reported here, too. The page handles those.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(message.text());
  });
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (!request.url().startsWith(nuncio.url)) faults.push(`a request to ${request.url()}`);
    else if (pathname.startsWith("/v1/"))
      faults.push(...undescribed(request.method(), pathname, [...searchParams.keys()]));
  });
  page.on("response", (response) => {
    // The console must not send malformed requests.
    if (response.status() === 400 || response.status() === 405)
      faults.push(`${response.status()} for ${response.request().method()} ${response.url()}`);
  });
  page.on("dialog", (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(nuncio.url + path);
  return { page, context, faults };
}

/** Opens a page and acts on it. Fails if the page had errors in the background. */
export async function journey(
  chrome: Browser,
  nuncio: Nuncio,
  path: string,
  act: (page: Page) => Promise<void>,
  look: Look = {},
  signedIn = true,
): Promise<void> {
  const { page, context, faults } = await visit(chrome, nuncio, path, look, signedIn);
  try {
    await act(page);
    expect(faults).toEqual([]);
  } finally {
    await context.close();
  }
}
