/**
 * The Natural Earth projection (Tom Patterson; the polynomial by Bojan Šavrič, 2015): a whole world that
 * looks familiar, without a library at run time. The map is 1000 units wide; Antarctica is cut off.
 */
export const MAP = { width: 1000, height: 470 };

const SCALE = 1000 / (2 * 0.8707 * Math.PI);
const NORTH = rawY(84);

function rawY(latitude: number): number {
  const phi = (latitude * Math.PI) / 180;
  const p2 = phi * phi;
  const p4 = p2 * p2;
  return phi * (1.007226 + p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4)));
}

/** The map position of a place, or `undefined` for coordinates that do not exist. */
export function project(longitude: number, latitude: number): { x: number; y: number } | undefined {
  const place = Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
  return place ? projectBeyond(longitude, latitude) : undefined;
}

/** As {@link project}, also for coastlines that continue beyond the edge of the map. */
export function projectBeyond(longitude: number, latitude: number): { x: number; y: number } {
  const lambda = (longitude * Math.PI) / 180;
  const phi = (latitude * Math.PI) / 180;
  const p2 = phi * phi;
  const p4 = p2 * p2;
  const x = lambda * (0.8707 - 0.131979 * p2 + p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4)));
  return { x: 500 + SCALE * x, y: SCALE * (NORTH - rawY(latitude)) };
}
