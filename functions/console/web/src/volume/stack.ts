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

const HUES: Record<string, number | undefined> = {
  login: 1,
  logout: 2,
  login_failed: 3,
  authorize_application: 4,
  model_created: 5,
  model_updated: 6,
  model_deleted: 7,
  user_write: 6,
  suspicious_request: 3,
  system_exception: 3,
  policy_exception: 3,
  configuration_error: 3,
};
/** The colours for all other actions: the first class number and the number of classes. */
const OTHER_HUES = { first: 8, count: 8 };
const assigned = new Map<string, number>();

/** The CSS class of an action's colour, the same on every page. Other actions share it only if there are too many. */
export function colourOf(action: string): string {
  if (action === OTHERS) return "c0";
  const known = HUES[action] ?? assigned.get(action);
  if (known) return `c${known}`;
  let hash = 0;
  for (const character of action) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  const taken = new Set(assigned.values());
  const candidates = Array.from(
    { length: OTHER_HUES.count },
    (_, at) => OTHER_HUES.first + ((hash + at) % OTHER_HUES.count),
  );
  const colour = candidates.find((hue) => !taken.has(hue)) ?? candidates[0]!;
  assigned.set(action, colour);
  return `c${colour}`;
}
