import { createRequire } from "node:module";
import type { Plugin } from "vite";
import { projectBeyond } from "../src/overview/projection";

const NAME = "virtual:world";
const require = createRequire(import.meta.url);

type Ring = [number, number][];
interface Land {
  features: { geometry: { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] } }[];
}

/** `virtual:world`: the land of the world as one SVG path, projected at build time. */
export function world(): Plugin {
  return {
    name: "world",
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(landPath())}` : undefined),
  };
}

/** From Natural Earth's 1:110m land (public domain), as packaged by world-atlas. */
export function landPath(): string {
  const { feature } = require("topojson-client") as { feature: (topology: unknown, object: unknown) => Land };
  const topology = require("world-atlas/countries-110m.json") as { objects: { countries: unknown } };
  const rings = feature(topology, topology.objects.countries).features.flatMap(({ geometry }) =>
    geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat(),
  );
  return rings
    .filter((ring) => ring.every(([, latitude]) => latitude > ANTARCTICA))
    .map(ringPaths)
    .join("");
}

/** The latitude below which the map shows nothing. */
const ANTARCTICA = -60;

/** A ring that crosses the antimeridian is drawn completely at both edges of the map, which clip it. */
function ringPaths(ring: Ring): string {
  const whole: Ring = [];
  for (const [longitude, latitude] of ring) {
    const before = whole.at(-1)?.[0] ?? longitude;
    whole.push([longitude + 360 * Math.round((before - longitude) / 360), latitude]);
  }
  const longitudes = whole.map(([longitude]) => longitude);
  const shifts = [0, Math.max(...longitudes) > 180 ? -360 : 0, Math.min(...longitudes) < -180 ? 360 : 0];
  return [...new Set(shifts)]
    .map((shift) => ringPath(whole.map(([longitude, latitude]) => [longitude + shift, latitude])))
    .join("");
}

function ringPath(ring: Ring): string {
  const points: string[] = [];
  for (const [longitude, latitude] of ring) {
    const at = projectBeyond(longitude, latitude);
    const point = `${Math.round(at.x * 2) / 2},${Math.round(at.y * 2) / 2}`;
    if (point !== points.at(-1)) points.push(point);
  }
  return points.length < 4 ? "" : `M${points.join("L")}Z`;
}
