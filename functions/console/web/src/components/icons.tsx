/** Icons in the colour of the text. They are decoration: a text next to each icon says the same. */

import "./icons.css";

const PATHS = {
  overview: "M2.5 13.5v-5M6.2 13.5v-9M9.8 13.5v-6M13.5 13.5v-11",
  events: "M2.5 4h11M2.5 8h11M2.5 12h7",
  inbox: "M2.5 9.5 4.3 3.5h7.4l1.8 6v3h-11zM2.5 9.5h3.2c.3 1.2 1.1 1.8 2.3 1.8s2-.6 2.3-1.8h3.2",
  deliveries: "M2 8.2 14 2.5 10.6 13.5 7.6 9.3zM7.6 9.3 14 2.5",
  rules: "M3 4h5M11 4h2M3 8h2M8 8h5M3 12h6M12 12h1M9.5 2.8v2.4M6.5 6.8v2.4M10.5 10.8v2.4",
  transports: "M8 2.5v11M8 2.5 5.2 5.3M8 2.5l2.8 2.8M2.5 9.5v4h11v-4",
  silences: "M4.5 11.5v-4a3.5 3.5 0 0 1 7 0v4zM3 11.5h10M7 13.5h2M2.5 2.5l11 11",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2",
  close: "M4 4l8 8M12 4l-8 8",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6z",
  auto: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 2.5v11",
  leave: "M6.5 2.5h-4v11h4M6 8h7.5M10.8 5.2 13.5 8l-2.7 2.8",
  check: "M3 8.5 6.3 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  dash: "M4 8h8",
  clock: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5v3.2l2 1.3",
  again: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.6h-2.6",
  skull: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
  bell: "M4.5 11.5v-4a3.5 3.5 0 0 1 7 0v4zM3 11.5h10M7 13.5h2",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M8 3v10M4 9l4 4 4-4",
  out: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2M5 7h4",
  up: "M8 13V3M4 7l4-4 4 4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
