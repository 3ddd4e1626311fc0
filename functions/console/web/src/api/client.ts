/** Sends requests to Nuncio's API. Every error is a {@link Problem} with the server's own text. */

import type { Json } from "./types";

/** An error response (RFC 9457 problem+json). Status 0 means that there was no response. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly body: { [key: string]: Json } = {},
  ) {
    super(detail);
  }

  /** Whether the object does not exist or the request is wrong, so that repeating the request cannot help. */
  get missing(): boolean {
    return this.status === 404 || this.status === 405 || this.status === 400;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
  method?: string;
  query?: Query;
  json?: unknown;
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type Listener = () => void;
const onSignedOut = new Set<Listener>();

/** Calls `listener` whenever a response says that the session has ended. Returns a function that unsubscribes. */
export function whenSignedOut(listener: Listener): () => void {
  onSignedOut.add(listener);
  return () => onSignedOut.delete(listener);
}

type ReachedListener = (reached: boolean) => void;
const onReached = new Set<ReachedListener>();

/** Calls `listener` after every request with whether there was a response. Returns a function that unsubscribes. */
export function whenReached(listener: ReachedListener): () => void {
  onReached.add(listener);
  return () => onReached.delete(listener);
}

/** Appends the parameters that are set to `path`. */
export function withQuery(path: string, query: Query = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const parameters = new URLSearchParams(set.map(([name, value]) => [name, String(value)]));
  return set.length ? `${path}?${parameters}` : path;
}

/** How far the server's clock is ahead of the browser's, in milliseconds, accurate to one second. */
let clockOffset = 0;

/** The current time by the server's clock, which also stamps the events. */
export function serverNow(): number {
  return Date.now() + clockOffset;
}

/** Sends a request. Rejects with a {@link Problem} unless the status is 2xx. */
export async function request(path: string, options: Options = {}): Promise<Response> {
  const { method = "GET", query, json, text, signal } = options;
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? text : JSON.stringify(json);
  let response: Response;
  try {
    response = await fetch(withQuery(path, query), { method, headers, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    notifyReached(false);
    throw new Problem(0, "Nuncio does not respond. Check that it is running and that the network is up.");
  }
  notifyReached(true);
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (date) clockOffset = date - Date.now();
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && path !== "/v1/session") for (const listener of onSignedOut) listener();
  throw problem;
}

function notifyReached(reached: boolean): void {
  for (const listener of onReached) listener(reached);
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  try {
    const body = JSON.parse(text) as { [key: string]: Json };
    return new Problem(response.status, typeof body.detail === "string" ? body.detail : response.statusText, body);
  } catch {
    return new Problem(response.status, `${response.status} ${response.statusText}`.trim());
  }
}

/** Gets JSON. */
export async function read<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const response = await request(path, { query, signal });
  return (await response.json()) as T;
}

/** Sends JSON and returns the JSON of the response, or `undefined` for an empty one. */
export async function send<T>(method: string, path: string, json?: unknown, query?: Query): Promise<T> {
  const response = await request(path, { method, json, query });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}
