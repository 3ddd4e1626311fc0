/** From events with a place to pins on the map. */

import { project } from "./projection";
import { isObject } from "./text";
import type { LoggedEvent } from "./types";

export interface Pin {
  x: number;
  y: number;
  count: number;
  /** Of the place most events here come from. */
  city: string;
  country: string;
}

/** Places closer than this, in map units, share a pin. */
const CELL = 14;

/** The fullest pins first. */
export function pins(events: LoggedEvent[]): Pin[] {
  const cells = new Map<string, Pin & { names: Map<string, number> }>();
  for (const event of events) {
    const { geo } = event.context;
    if (!isObject(geo) || typeof geo.lat !== "number" || typeof geo.long !== "number") continue;
    const at = project(geo.long, geo.lat);
    if (!at) continue;
    const key = `${Math.round(at.x / CELL)},${Math.round(at.y / CELL)}`;
    let cell = cells.get(key);
    if (!cell) cells.set(key, (cell = { x: 0, y: 0, count: 0, city: "", country: "", names: new Map() }));
    cell.x += at.x;
    cell.y += at.y;
    cell.count += 1;
    const name = JSON.stringify([text(geo.city), text(geo.country)]);
    cell.names.set(name, (cell.names.get(name) ?? 0) + 1);
  }
  const found = [...cells.values()].map(({ x, y, count, names }) => {
    const [name] = [...names].sort((a, b) => b[1] - a[1])[0] ?? ['["",""]'];
    const [city, country] = JSON.parse(name) as [string, string];
    return { x: x / count, y: y / count, count, city, country };
  });
  return found.sort((a, b) => b.count - a.count);
}

const text = (value: unknown) => (typeof value === "string" ? value.slice(0, 80) : "");
