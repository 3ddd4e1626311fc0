/** Which events are asked for: in the address, in the search box, and as the API's parameters. */

import type { Query } from "./api";
import { isObject } from "./text";
import type { JsonObject } from "./types";

/** Fields of the search box, and the API's parameters they stand for. */
export const FIELDS = {
  action: "action",
  user: "username",
  app: "app",
  ip: "client_ip",
  model: "model",
  object: "model_pk",
} as const;

export type Field = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as Field[];

export interface Filters {
  action?: string;
  user?: string;
  app?: string;
  ip?: string;
  /** What an event is about, `app.model`, and the key of the one that is meant. */
  model?: string;
  object?: string;
  /** A query, or text that stands anywhere in the event. */
  search?: string;
  /** A span that moves with the clock, such as `24h`. */
  range?: Range;
  /** Or a fixed one, as instants. */
  since?: string;
  until?: string;
}

export const RANGES = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES: Record<Range, string> = {
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
};

const KEYS = ["action", "user", "app", "ip", "model", "object", "search", "range", "since", "until"] as const;

export function fromAddress(parameters: URLSearchParams): Filters {
  const filters: Filters = {};
  for (const key of KEYS) {
    const value = parameters.get(key);
    if (!value || (key === "range" && !(value in RANGES))) continue;
    if ((key === "since" || key === "until") && Number.isNaN(Date.parse(value))) continue;
    filters[key] = value as never;
  }
  return filters;
}

export function toAddress(filters: Filters): string {
  const parameters = new URLSearchParams();
  for (const key of KEYS) {
    const value = filters[key];
    if (value) parameters.set(key, value);
  }
  const text = parameters.toString();
  return text ? `/events?${text}` : "/events";
}

/** The span asked for, in milliseconds; open ends are absent. */
export function span(filters: Filters, now: number): { since?: number; until?: number } {
  if (filters.range) return { since: now - RANGES[filters.range] };
  const since = filters.since ? Date.parse(filters.since) : undefined;
  const until = filters.until ? Date.parse(filters.until) : undefined;
  return { since, until };
}

export function toQuery(filters: Filters, now: number): Query {
  const { since, until } = span(filters, now);
  const instant = (ms?: number) => (ms === undefined ? undefined : new Date(ms).toISOString());
  const query: Query = { search: filters.search, since: instant(since), until: instant(until) };
  for (const field of FIELD_NAMES) query[FIELDS[field]] = filters[field];
  return query;
}

/** What stands in the search box: `action:login user:"Ann Lee" anything else`. */
export function parse(text: string): Filters {
  const filters: Filters = {};
  const words: string[] = [];
  for (const [word, field, quoted, bare] of text.matchAll(/(?:(\w+):)?(?:"([^"]*)"?|(\S+))/g)) {
    const value = quoted ?? bare ?? "";
    if (field && field in FIELDS && value) filters[field as Field] = value;
    else words.push(word);
  }
  // Alone, a quoted text is that text; within a query the marks belong to it.
  const search = words.join(" ").trim().replace(/^"([^"]*)"?$/, "$1");
  if (search) filters.search = search;
  return filters;
}

export interface Suggestion {
  /** What the current word becomes. */
  label: string;
  /** What it means. */
  hint: string;
  /** Whether something has to follow it. */
  open?: true;
}

const HINTS: Record<Field, string> = {
  action: "what happened; model_* takes all that begin so",
  user: "who did it, or who is named in it",
  app: "which application, or one below it",
  ip: "where it came from",
  model: "what kind of object it is about",
  object: "the key of that object",
};

/** Actions that every Nuncio knows by name. */
export const ACTIONS =
  "login login_failed logout user_write suspicious_request password_set secret_view secret_rotate invitation_used authorize_application source_linked impersonation_started impersonation_ended policy_execution policy_exception property_mapping_exception system_task_exception system_exception configuration_error model_created model_updated model_deleted email_sent update_available".split(
    " ",
  );

/** Values seen, and the paths that a query can ask for. */
export type Known = Record<Field, Iterable<string>> & { paths: Iterable<string> };

/** What the word before the caret may become. */
export function suggest(word: string, known: Known, most = 8): Suggestion[] {
  const [, name, typed] = /^(\w+):"?(.*)$/.exec(word) ?? [];
  if (name && name in FIELDS) {
    const field = name as Field;
    return values(field, typed ?? "", known).slice(0, most).map((value) => ({ label: `${field}:${quote(value)}`, hint: "" }));
  }
  const fields = FIELD_NAMES.filter((field) => field.startsWith(word.toLowerCase()));
  const found: Suggestion[] = fields.map((field) => ({ label: `${field}:`, hint: HINTS[field], open: true }));
  if (word.length > 1) {
    for (const field of FIELD_NAMES) {
      for (const value of values(field, word, known)) found.push({ label: `${field}:${quote(value)}`, hint: "" });
    }
  }
  if (/^\w+\.[\w.]*$/.test(word)) {
    const fitting = [...known.paths].filter((path) => path.startsWith(word)).sort();
    found.push(...fitting.map((path): Suggestion => ({ label: `${path} = `, hint: "as a query", open: true })));
  }
  return found.slice(0, most);
}

/** The fields of a query that the object has: texts, numbers and the like, a few levels down. */
export function paths(name: string, object: JsonObject, deep = 3): string[] {
  const named = Object.entries(object).slice(0, 60).filter(([key]) => /^[A-Za-z_]\w{0,60}$/.test(key));
  return named.flatMap(([key, value]) => {
    if (isObject(value)) return deep > 1 ? paths(`${name}.${key}`, value, deep - 1) : [];
    return Array.isArray(value) ? [] : [`${name}.${key}`];
  });
}

function values(field: Field, typed: string, known: Known): string[] {
  const wanted = typed.toLowerCase();
  const all = new Set([...known[field], ...(field === "action" ? ACTIONS : [])]);
  const fitting = [...all].filter((value) => value.length < 120 && value.toLowerCase().includes(wanted));
  return fitting.sort((a, b) => rank(a, wanted) - rank(b, wanted) || a.localeCompare(b));
}

const rank = (value: string, wanted: string) => (value.toLowerCase().startsWith(wanted) ? 0 : 1);
const quote = (value: string) => (/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value);
