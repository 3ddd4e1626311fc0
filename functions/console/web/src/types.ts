/** The shapes of the API, as its page in the README describes them. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface List<T> {
  results: T[];
  next: string | null;
}

/** How far one answer has looked; what is null was looked at to the end. */
export interface Searched {
  from: string | null;
  until: string | null;
  events: number;
}

/** A page of events. It may hold none and still have a next one: looking is bounded. */
export interface Found extends List<LoggedEvent> {
  searched: Searched;
  search?: { as: "query" } | { as: "text"; why: string };
}

/** Counts by time and action; what only looking at events could tell says how far it looked. */
export interface Counted {
  results: Bucket[];
  searched?: Searched;
}

export interface Session {
  username: string | null;
  scopes: ("ingest" | "read" | "admin")[];
}

export interface LoggedEvent {
  pk: string;
  user: JsonObject;
  action: string;
  app: string;
  context: JsonObject;
  client_ip: string | null;
  created: string;
  expires: string;
  brand: JsonObject;
  id?: string;
  source?: string;
}

export type Severity = "notice" | "warning" | "alert";
export type State = "pending" | "delivered" | "retrying" | "dead" | "suppressed";

export interface Attempt {
  at: string;
  status: number | null;
  error: string | null;
  ms: number;
}

export interface Suppressed {
  by: string;
  why: string;
  until?: string;
  /** Of a digest: the delivery that tells of it. */
  delivery?: string;
  /** Of a silence. */
  reason?: string;
  author?: string;
  /** Of a throttle. */
  max?: number;
  per?: string;
  key?: Record<string, string | null>;
}

export interface Delivery {
  id: string;
  event: string;
  rule: string;
  transport: string;
  recipient: string;
  state: State;
  /** What kept it back, when storm control did. */
  suppressed?: Suppressed;
  /** The window in which it collects others, when it carries a digest. */
  digest?: { opened: string; closes: string };
  attempts: Attempt[];
  next_at: string | null;
}

export interface Verdict {
  policy: string;
  passed: boolean;
  why: string;
}

export interface TracedRule {
  rule: string;
  matched: boolean;
  policies: Verdict[];
  why?: string;
  deliveries: Delivery[];
}

export interface Trace {
  event: string;
  version: number;
  held_back: string | null;
  rules: TracedRule[];
}

export interface InboxItem {
  pk: string;
  username: string;
  severity: Severity;
  body: string;
  created: string;
  event: string;
  action: string;
  rule: string;
  hyperlink: string | null;
  hyperlink_label: string | null;
  seen: boolean;
}

export interface Bucket {
  time: string;
  action: string;
  count: number;
}

export interface Fault {
  line: number;
  column: number;
  what: string;
  hint: string;
}

export interface Version {
  version: number;
  at: string | null;
  by: string;
}

export interface Binding {
  policy: string;
  enabled: boolean;
  negate: boolean;
  order: number;
  dry_run?: boolean;
}

export interface MuteWindow {
  days: string[];
  from: string;
  to: string;
  zone: string;
}

export interface RuleView {
  name: string;
  severity: Severity;
  enabled: boolean;
  mode: "any" | "all";
  group: string | null;
  event_user: boolean;
  event_subject: boolean;
  transports: string[];
  bindings: Binding[];
  /** Storm control; lengths as ISO 8601, such as `PT10M`. */
  throttle?: { max: number; per: string; by: string[] } | null;
  digest?: { window: string; by: string[] } | null;
  mute?: MuteWindow[];
  /** The policies that are bound, by name, as the document has them. */
  policies: Record<string, JsonObject>;
}

export interface TransportView {
  name: string;
  mode?: string;
  send_once?: boolean;
  state?: "ready" | "paused" | "disabled";
  since?: string | null;
  until?: string | null;
  why?: string | null;
}

export interface Silence {
  id: string;
  rules: string[];
  event_matcher: JsonObject | null;
  reason: string;
  by: string;
  starts: string;
  ends: string;
  state: "pending" | "active" | "expired";
  source: "file" | "api";
}

/** What a silence would have kept back. */
export interface Kept {
  events: number;
  silenced: number;
  rules: Record<string, { events: number; deliveries: number }>;
  examples: string[];
}

export interface Tested {
  delivered: boolean;
  status: number | null;
  answer: string | null;
  error: string | null;
}
