/** Requests to Nuncio's own API, and nothing else. Errors arrive as the server's own words. */

import type { Json } from "./types";

/** RFC 9457 problem+json, or the absence of any answer (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly body: { [key: string]: Json } = {},
  ) {
    super(detail);
  }

  /** Whether the server has no such thing, so that asking again cannot help. */
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

/** Calls `listener` whenever an answer says that the session is over. */
export function whenSignedOut(listener: Listener): () => void {
  onSignedOut.add(listener);
  return () => onSignedOut.delete(listener);
}

type Told = (reached: boolean) => void;
const onReached = new Set<Told>();

/** Tells `listener` of every request whether there was any answer. */
export function whenReached(listener: Told): () => void {
  onReached.add(listener);
  return () => onReached.delete(listener);
}

/** `path` with the parameters that are set. */
export function withQuery(path: string, query: Query = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const parameters = new URLSearchParams(set.map(([name, value]) => [name, String(value)]));
  return set.length ? `${path}?${parameters}` : path;
}

/** By how much the server's clock is ahead of this one's, in milliseconds; it says so to the second. */
let ahead = 0;

/** The time by the server's clock, by which events are stamped. */
export function serverNow(): number {
  return Date.now() + ahead;
}

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
    onReached.forEach((listener) => listener(false));
    throw new Problem(0, "Nuncio does not answer. Is it running, and is the network up?");
  }
  onReached.forEach((listener) => listener(true));
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (date) ahead = date - Date.now();
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && path !== "/v1/session") onSignedOut.forEach((listener) => listener());
  throw problem;
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

export async function read<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  const response = await request(path, { query, signal });
  return (await response.json()) as T;
}

export async function send<T>(method: string, path: string, json?: unknown, query?: Query): Promise<T> {
  const response = await request(path, { method, json, query });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}
