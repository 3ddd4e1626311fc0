/** From counts by place to pins on the map. */

import { project } from "./projection";

export interface Pin {
  x: number;
  y: number;
  count: number;
  /** Of the place most events here come from. */
  city: string;
  country: string;
}

/** A place as the server counts it, `LATITUDE,LONGITUDE,COUNTRY,CITY`, and how many events came from there. */
export interface PlaceCount {
  value: string;
  count: number;
}

/** Places closer than this, in map units, share a pin. */
const CELL = 24;

/** The fullest pins first. */
export function pins(places: PlaceCount[]): Pin[] {
  const cells = new Map<string, Pin & { most: number }>();
  for (const { value, count } of places) {
    const [, latitude, longitude, country = "", city = ""] = /^([^,]+),([^,]+),([^,]*),(.*)$/s.exec(value) ?? [];
    const at = project(Number(longitude), Number(latitude));
    if (!at) continue;
    const key = `${Math.round(at.x / CELL)},${Math.round(at.y / CELL)}`;
    let cell = cells.get(key);
    if (!cell) cells.set(key, (cell = { x: 0, y: 0, count: 0, city: "", country: "", most: 0 }));
    cell.x += at.x * count;
    cell.y += at.y * count;
    cell.count += count;
    if (count > cell.most) Object.assign(cell, { most: count, city: city.slice(0, 80), country: country.slice(0, 80) });
  }
  const found = [...cells.values()].map(({ x, y, count, city, country }) => ({ x: x / count, y: y / count, count, city, country }));
  return found.sort((a, b) => b.count - a.count);
}

/** The pins that have room for their count, the fullest first. */
export function labelled(all: Pin[], most = 12): Pin[] {
  const chosen: Pin[] = [];
  for (const pin of all) {
    if (chosen.length === most) break;
    if (chosen.every((other) => Math.abs(other.x - pin.x) > 48 || Math.abs(other.y - pin.y) > 26)) chosen.push(pin);
  }
  return chosen;
}
