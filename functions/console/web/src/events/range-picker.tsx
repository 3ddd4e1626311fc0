/** The selection of a time range that ends now. */

import { type Filters, RANGE_NAMES, RANGES, type Range } from "./filters";

export function RangePicker({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const isFixed = filters.since || filters.until;
  return (
    <select
      aria-label="Time range"
      value={filters.range ?? (isFixed ? "fixed" : "")}
      onChange={(event) => {
        const { since, until, range, ...rest } = filters;
        const chosen = event.currentTarget.value;
        set(chosen in RANGES ? { ...rest, range: chosen as Range } : rest);
      }}
    >
      <option value="">All time</option>
      {(Object.keys(RANGES) as Range[]).map((range) => (
        <option key={range} value={range}>
          {RANGE_NAMES[range]}
        </option>
      ))}
      {isFixed && <option value="fixed">Custom range</option>}
    </select>
  );
}
