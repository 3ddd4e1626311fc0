/** A world map with a pin for each place that events came from. A pin's area shows their number. */

import land from "virtual:world";
import { compact, count, placeName, plural } from "../format/text";
import { labelled, type Pin } from "./pins";
import { MAP } from "./projection";
import "./world-map.css";

export function WorldMap({ pins }: { pins: Pin[] }) {
  const most = pins[0]?.count ?? 1;
  const listed = pins.slice(0, 12);
  return (
    <div class="world-map">
      <svg
        viewBox={`0 0 ${MAP.width} ${MAP.height}`}
        role="img"
        aria-label={`World map: events from ${plural(pins.length, "place")}`}
      >
        <path class="land" d={land} />
        {pins.map((pin) => (
          <circle key={`${pin.x},${pin.y}`} class="pin" cx={pin.x} cy={pin.y} r={6 + 20 * Math.sqrt(pin.count / most)}>
            <title>{`${name(pin)}: ${plural(pin.count, "event")}`}</title>
          </circle>
        ))}
        {labelled(pins).map((pin) => (
          <text key={`${pin.x},${pin.y}`} class="pin-count" x={pin.x} y={pin.y + 7} text-anchor="middle">
            {compact(pin.count)}
          </text>
        ))}
      </svg>
      <ol class="ranked" aria-label="Places">
        {listed.map((pin) => (
          <li key={`${pin.x},${pin.y}`}>
            <bdi class="ranked-name">{name(pin)}</bdi>
            <b class="number">{count(pin.count)}</b>
          </li>
        ))}
      </ol>
    </div>
  );
}

function name(pin: Pin): string {
  return placeName({ city: pin.city, country: pin.country }) || "unnamed place";
}
