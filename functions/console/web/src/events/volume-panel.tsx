/** The volume of the filtered events over time, above the list. Selecting a time range in it changes the filters. */

import { useMemo } from "preact/hooks";
import { read } from "../api/client";
import type { EventVolume } from "../api/types";
import { Icon } from "../components/icons";
import { Failure } from "../components/states";
import { count } from "../format/text";
import { BUCKET_MS, bucketFor, stamp, whole } from "../format/time";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { stack } from "../volume/stack";
import { Legend, VolumeChart } from "../volume/volume-chart";
import { FIELD_NAMES, type Filters, RANGES, timeRange, toQuery } from "./filters";
import "./volume-panel.css";

/** The time range of the chart when the list has no beginning. */
const DEFAULT_RANGE = RANGES["30d"];

export function VolumePanel({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const now = Math.ceil(useNow(30_000) / 60_000) * 60_000;
  const asked = timeRange(filters, now);
  const end = asked.until ?? now;
  const begin = asked.since ?? end - DEFAULT_RANGE;
  const size = bucketFor(end - begin);
  const { since, until } = whole(begin, end, size);
  // The server counts events by action as they arrive. With any other filter it has to search the events, so the counts
  // are requested rarely.
  const { action, ...others } = filters;
  const isCounted = ([...FIELD_NAMES, "search"] as const).every((field) => field === "action" || !filters[field]);
  const key = JSON.stringify([isCounted ? [filters.range, filters.since, filters.until] : filters, size]);
  const query = {
    ...toQuery(isCounted ? others : filters, now),
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    bucket: size,
  };
  const volume = useLoad(
    key,
    (signal) => read<EventVolume>("/v1/events/volume", query, signal),
    isCounted ? 30_000 : 300_000,
  );
  const matching = useMemo(
    () => (volume.data?.results ?? []).filter((bucket) => matchesAction(action, bucket.action)),
    [volume.data, action],
  );
  const stacked = useMemo(() => stack(matching), [matching]);
  if (volume.problem && !volume.data) return <Failure problem={volume.problem} retry={volume.reload} />;
  const searchedTo = volume.data?.searched?.from;
  return (
    <section class="panel volume-panel" aria-label="Volume">
      <div class="volume-head">
        <span>
          {volume.data ? <b>{count(stacked.total)}</b> : "Counting"} events{" "}
          {asked.since === undefined ? "in the last 30 days" : "in this time range"}
          {searchedTo && Date.parse(searchedTo) > begin && (
            <span class="dim">, counted back to {stamp(searchedTo)}</span>
          )}
        </span>
        {filters.since && (
          <button type="button" class="plain small" onClick={() => set(zoomedOut(filters, begin, end, now))}>
            <Icon name="out" /> Zoom out
          </button>
        )}
        <Legend stack={stacked} pick={(action) => set({ ...filters, action })} />
      </div>
      <VolumeChart
        stack={stacked}
        since={since}
        until={until}
        bucket={BUCKET_MS[size]}
        zoom={(from, to) => {
          const { range, ...rest } = filters;
          set({ ...rest, since: new Date(from).toISOString(), until: new Date(Math.min(to, now)).toISOString() });
        }}
      />
    </section>
  );
}

/** Three times the range around the same middle, but not beyond now. */
function zoomedOut(filters: Filters, begin: number, end: number, now: number): Filters {
  const { range, ...rest } = filters;
  const until = Math.min(now, end + (end - begin));
  return {
    ...rest,
    since: new Date(until - 3 * (end - begin)).toISOString(),
    until: until < now ? new Date(until).toISOString() : undefined,
  };
}

/** Whether the action matches the filter: an action, or a prefix followed by `*`. */
function matchesAction(pattern: string | undefined, action: string): boolean {
  if (!pattern) return true;
  return pattern.endsWith("*") ? action.startsWith(pattern.slice(0, -1)) : action === pattern;
}
