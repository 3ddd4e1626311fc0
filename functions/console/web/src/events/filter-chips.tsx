/** The active filters, each with a button that removes it. */

import { Icon } from "../components/icons";
import { visible } from "../format/text";
import { stamp } from "../format/time";
import "./filter-chips.css";
import { FIELD_NAMES, type Filters } from "./filters";

interface Chip {
  /** The filters that the chip stands for. */
  keys: (keyof Filters)[];
  name: string;
  value: string;
}

export function FilterChips({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const chips = chipsOf(filters);
  if (!chips.length) return null;
  return (
    <ul class="filter-chips" aria-label="Filters">
      {chips.map(({ keys, name, value }) => (
        <li key={name} class="filter-chip">
          <span class="dim">{name}</span> <bdi>{visible(value)}</bdi>
          <button
            type="button"
            class="plain"
            aria-label={`Remove the filter ${name} ${value}`}
            onClick={() => set({ ...filters, ...Object.fromEntries(keys.map((key) => [key, undefined])) })}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
      {chips.length > 1 && (
        <li>
          <button type="button" class="plain" onClick={() => set({ range: filters.range })}>
            Remove all
          </button>
        </li>
      )}
    </ul>
  );
}

function chipsOf(filters: Filters): Chip[] {
  const chips: Chip[] = [];
  for (const field of FIELD_NAMES) {
    const value = filters[field];
    if (value) chips.push({ keys: [field], name: field, value });
  }
  if (filters.search) chips.push({ keys: ["search"], name: "text", value: filters.search });
  const { since, until } = filters;
  if (since || until) chips.push({ keys: ["since", "until"], name: "time", value: timeText(since, until) });
  return chips;
}

/** `2026-01-31 09:05 to 10:30`: names the day once if both ends lie on it. */
function timeText(since: string | undefined, until: string | undefined): string {
  if (!since || !until) return since ? `from ${stamp(since)}` : `until ${stamp(until ?? "")}`;
  const [from, to] = [stamp(since), stamp(until)];
  const sameDay = from.slice(0, 10) === to.slice(0, 10);
  return `${from.slice(0, 16)} to ${sameDay ? to.slice(11, 16) : to.slice(0, 16)}`;
}
