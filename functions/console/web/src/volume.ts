/** From counts by time and action to stacked bars. */

import type { Bucket } from "./types";

export interface Series {
  action: string;
  total: number;
}

export interface Column {
  time: number;
  total: number;
  /** In the order of the series. */
  counts: number[];
}

export interface Stack {
  series: Series[];
  columns: Column[];
  highest: number;
  total: number;
}

export const OTHERS = "others";
const MOST = 7;

/** The most frequent actions by themselves, the rest together; the columns in order of time. */
export function stack(buckets: Bucket[]): Stack {
  const totals = new Map<string, number>();
  for (const { action, count } of buckets) totals.set(action, (totals.get(action) ?? 0) + count);
  const ranked = [...totals].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const most = ranked.length > MOST + 1 ? MOST : ranked.length;
  const series = ranked.slice(0, most).map(([action, total]) => ({ action, total }));
  const rest = ranked.slice(most).reduce((sum, [, total]) => sum + total, 0);
  if (rest) series.push({ action: OTHERS, total: rest });
  const place = new Map(series.map(({ action }, at) => [action, at]));
  const columns = new Map<number, Column>();
  for (const { time, action, count } of buckets) {
    const at = Date.parse(time);
    let column = columns.get(at);
    if (!column) columns.set(at, (column = { time: at, total: 0, counts: series.map(() => 0) }));
    column.counts[place.get(action) ?? series.length - 1]! += count;
    column.total += count;
  }
  const sorted = [...columns.values()].sort((a, b) => a.time - b.time);
  const highest = sorted.reduce((most, column) => Math.max(most, column.total), 0);
  return { series, columns: sorted, highest, total: series.reduce((sum, { total }) => sum + total, 0) };
}

/** 1, 2, 4, 6, 8, 10, 20, 40 …: the smallest that is at least so much, and has a half. */
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
/** Besides the colours of the actions above, which everybody has. */
const OWN = { first: 8, count: 8 };
const own = new Map<string, number>();

/** The class that colours an action, the same on every page: its own, as long as there are enough. */
export function colourOf(action: string): string {
  if (action === OTHERS) return "c0";
  const known = HUES[action] ?? own.get(action);
  if (known) return `c${known}`;
  let hash = 0;
  for (const character of action) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  const taken = new Set(own.values());
  const wishes = Array.from({ length: OWN.count }, (_, at) => OWN.first + ((hash + at) % OWN.count));
  const colour = wishes.find((wish) => !taken.has(wish)) ?? wishes[0]!;
  own.set(action, colour);
  return `c${colour}`;
}
