/** The filters of the event list: in the address, in the search box, and as parameters of the API. */

import type { Query } from "../api/client";
import type { JsonObject } from "../api/types";
import { isObject } from "../format/text";

/** The fields of the search box, with the API's parameters. */
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
  /** The model of the object that an event is about, `app.model`, and that object's key. */
  model?: string;
  object?: string;
  /** A query, or text to find anywhere in the event. */
  search?: string;
  /** A time range that ends now. */
  range?: Range;
  /** A fixed time range instead, as RFC 3339 times. */
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

/** A time of the address. The `+` of an offset that is not encoded arrives as a blank. */
const timeOf = (value: string) => value.replace(/ (\d\d:\d\d)$/, "+$1");

/** The times of the address that cannot be read, which the filters ignore: `since=yesterday`. */
export function unreadableTimes(parameters: URLSearchParams): string[] {
  const times = ["since", "until"].map((key) => [key, parameters.get(key) ?? ""] as const);
  return times
    .filter(([, value]) => value && Number.isNaN(Date.parse(timeOf(value))))
    .map(([key, value]) => `${key}=${value}`);
}

export function fromAddress(parameters: URLSearchParams): Filters {
  const filters: Filters = {};
  for (const key of KEYS) {
    const given = parameters.get(key);
    const value = given && (key === "since" || key === "until") ? timeOf(given) : given;
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

const HOUR = 3_600_000;
const MINUTE = 60_000;

/**
 * The time range of the filters, in milliseconds since the epoch; an open end is absent. A range that ends now begins with
 * a whole minute, or with a whole hour if it is longer than an hour: there, the server has counts. So lists, graphs and
 * the overview cover the same events.
 */
export function timeRange(filters: Filters, now: number): { since?: number; until?: number } {
  if (filters.range) {
    const precision = RANGES[filters.range] > HOUR ? HOUR : MINUTE;
    return { since: Math.floor((now - RANGES[filters.range]) / precision) * precision };
  }
  const since = filters.since ? Date.parse(filters.since) : undefined;
  const until = filters.until ? Date.parse(filters.until) : undefined;
  return { since, until };
}

export function toQuery(filters: Filters, now: number): Query {
  const { since, until } = timeRange(filters, now);
  const instant = (ms?: number) => (ms === undefined ? undefined : new Date(ms).toISOString());
  const query: Query = { search: filters.search, since: instant(since), until: instant(until) };
  for (const field of FIELD_NAMES) query[FIELDS[field]] = filters[field];
  return query;
}

export interface Suggestion {
  /** The text that replaces the current word. */
  label: string;
  /** An explanation. */
  hint: string;
  /** Whether a value has to follow. */
  open?: true;
}

const HINTS: Record<Field, string> = {
  action: "what happened; model_* matches all actions with this prefix",
  user: "the acting user",
  app: "the application, or a dotted prefix of it",
  ip: "the address that the event came from",
  model: "the model of the object that the event is about",
  object: "the key of that object",
};

/** The built-in actions. */
export const ACTIONS =
  "login login_failed logout user_write suspicious_request password_set secret_view secret_rotate invitation_used authorize_application source_linked impersonation_started impersonation_ended policy_execution policy_exception property_mapping_exception system_task_exception system_exception configuration_error model_created model_updated model_deleted email_sent update_available".split(
    " ",
  );

/** The known values of each field, and the known paths for queries. */
export type KnownValues = Record<Field, Iterable<string>> & { paths: Iterable<string> };

/** Completions of the word before the caret. */
export function suggest(word: string, known: KnownValues, most = 8): Suggestion[] {
  const [, name, typed] = /^(\w+):"?(.*)$/.exec(word) ?? [];
  if (name && name in FIELDS) {
    const field = name as Field;
    return values(field, typed ?? "", known)
      .slice(0, most)
      .map((value) => ({ label: `${field}:${quote(value)}`, hint: "" }));
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
    found.push(...fitting.map((path): Suggestion => ({ label: `${path} = `, hint: "in a query", open: true })));
  }
  return found.slice(0, most);
}

/** The paths of the object's scalar values for queries, such as `context.geo.country`, a few levels deep. */
export function paths(name: string, object: JsonObject, deep = 3): string[] {
  const named = Object.entries(object)
    .slice(0, 60)
    .filter(([key]) => /^[A-Za-z_]\w{0,60}$/.test(key));
  return named.flatMap(([key, value]) => {
    if (isObject(value)) return deep > 1 ? paths(`${name}.${key}`, value, deep - 1) : [];
    return Array.isArray(value) ? [] : [`${name}.${key}`];
  });
}

function values(field: Field, typed: string, known: KnownValues): string[] {
  const wanted = typed.toLowerCase();
  const all = new Set([...known[field], ...(field === "action" ? ACTIONS : [])]);
  const fitting = [...all].filter((value) => value.length < 120 && value.toLowerCase().includes(wanted));
  return fitting.sort((a, b) => rank(a, wanted) - rank(b, wanted) || a.localeCompare(b));
}

const rank = (value: string, wanted: string) => (value.toLowerCase().startsWith(wanted) ? 0 : 1);
const quote = (value: string) => (/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value);
