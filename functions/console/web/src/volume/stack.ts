/** Turns counts by time and action into stacked bars, and assigns colours to actions. */

import type { Bucket } from "../api/types";

export interface Series {
  action: string;
  total: number;
}

export interface Column {
  time: number;
  total: number;
  /** One count for each series, in their order. */
  counts: number[];
}

export interface Stack {
  series: Series[];
  columns: Column[];
  highest: number;
  total: number;
}

export const OTHERS = "others";
const MAX_SERIES = 7;

/** A series for each of the most frequent actions and one for all others; columns in order of time. */
export function stack(buckets: Bucket[]): Stack {
  const totals = new Map<string, number>();
  for (const { action, count } of buckets) totals.set(action, (totals.get(action) ?? 0) + count);
  const ranked = [...totals].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const most = ranked.length > MAX_SERIES + 1 ? MAX_SERIES : ranked.length;
  const series = ranked.slice(0, most).map(([action, total]) => ({ action, total }));
  const rest = ranked.slice(most).reduce((sum, [, total]) => sum + total, 0);
  if (rest) series.push({ action: OTHERS, total: rest });
  const place = new Map(series.map(({ action }, at) => [action, at]));
  const columns = new Map<number, Column>();
  for (const { time, action, count } of buckets) {
    const at = Date.parse(time);
    let column = columns.get(at);
    if (!column) {
      column = { time: at, total: 0, counts: series.map(() => 0) };
      columns.set(at, column);
    }
    column.counts[place.get(action) ?? series.length - 1]! += count;
    column.total += count;
  }
  const sorted = [...columns.values()].sort((a, b) => a.time - b.time);
  const highest = sorted.reduce((most, column) => Math.max(most, column.total), 0);
  return { series, columns: sorted, highest, total: series.reduce((sum, { total }) => sum + total, 0) };
}

/** The top of the axis: the smallest of 1, 2, 4, 6, 8, 10, 20, 40 … that is at least `value`. */
export function roundUp(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/** The built-in actions; the colour of each is its own on every page. Those that mean trouble differ clearly in a stack. */
const BUILT_IN =
  "login logout login_failed authorize_application model_created model_updated model_deleted suspicious_request system_exception policy_exception configuration_error policy_execution system_task_exception property_mapping_exception user_write password_set secret_view secret_rotate invitation_used source_linked impersonation_started impersonation_ended email_sent update_available".split(
    " ",
  );
/** The number of colours for all other actions; they follow those of the built-in ones. */
const OTHER_COLOURS = 12;
const KEY = "nuncio-colours";

/** The colours of other actions, in the order in which they were assigned. Kept, so that they are the same tomorrow. */
const assigned = new Map<string, number>(readAssigned());

/**
 * The CSS class of an action's colour, the same on every page. An action that is not built in prefers a colour by its name,
 * and takes the next free one; only if there are more than twelve such actions do some share one.
 */
export function colourOf(action: string): string {
  if (action === OTHERS) return "c0";
  const known = BUILT_IN.indexOf(action) + 1 || assigned.get(action);
  if (known) return `c${known}`;
  let hash = 0;
  for (const character of action) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  const taken = new Set(assigned.values());
  const candidates = Array.from(
    { length: OTHER_COLOURS },
    (_, at) => BUILT_IN.length + 1 + ((hash + at) % OTHER_COLOURS),
  );
  const free = candidates.find((colour) => !taken.has(colour));
  const colour = free ?? candidates[0]!;
  assigned.set(action, colour);
  // A shared colour follows from the name alone.
  if (free) writeAssigned();
  return `c${colour}`;
}

function readAssigned(): [string, number][] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]") as [string, number][];
    const last = BUILT_IN.length + OTHER_COLOURS;
    return kept.filter(([action, colour]) => action && colour > BUILT_IN.length && colour <= last).slice(0, 12);
  } catch {
    return [];
  }
}

function writeAssigned(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([...assigned].slice(0, OTHER_COLOURS)));
  } catch {
    // Without storage, the colours last until the page is closed.
  }
}
