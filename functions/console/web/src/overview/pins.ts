/** Groups the counts by place into pins on the map. */

import type { ValueCount } from "../api/types";
import { project } from "./projection";

export interface Pin {
  x: number;
  y: number;
  count: number;
  /** The name of the place with the most events of this pin. */
  city: string;
  country: string;
}

/** Places closer than this share a pin, in map units. */
const CELL = 24;

/** The pins of the places, by count. A place's value is `LATITUDE,LONGITUDE,COUNTRY,CITY`. */
export function pins(places: ValueCount[]): Pin[] {
  const cells = new Map<string, Pin & { most: number }>();
  for (const { value, count } of places) {
    const [, latitude, longitude, country = "", city = ""] = /^([^,]+),([^,]+),([^,]*),(.*)$/s.exec(value) ?? [];
    const at = project(Number(longitude), Number(latitude));
    if (!at) continue;
    const key = `${Math.round(at.x / CELL)},${Math.round(at.y / CELL)}`;
    let cell = cells.get(key);
    if (!cell) {
      cell = { x: 0, y: 0, count: 0, city: "", country: "", most: 0 };
      cells.set(key, cell);
    }
    cell.x += at.x * count;
    cell.y += at.y * count;
    cell.count += count;
    if (count > cell.most) Object.assign(cell, { most: count, city: city.slice(0, 80), country: country.slice(0, 80) });
  }
  const found = [...cells.values()].map(({ x, y, count, city, country }) => ({
    x: x / count,
    y: y / count,
    count,
    city,
    country,
  }));
  return found.sort((a, b) => b.count - a.count);
}

/** The pins whose labels do not overlap, by count. */
export function labelled(all: Pin[], most = 12): Pin[] {
  const chosen: Pin[] = [];
  for (const pin of all) {
    if (chosen.length === most) break;
    if (chosen.every((other) => Math.abs(other.x - pin.x) > 48 || Math.abs(other.y - pin.y) > 26)) chosen.push(pin);
  }
  return chosen;
}
