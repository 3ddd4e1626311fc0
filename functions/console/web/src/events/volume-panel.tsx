/** The volume of the filtered events over time, above the list. Selecting a time range in it changes the filters. */

import { useEffect, useMemo } from "preact/hooks";
import { serverNow } from "../api/client";
import { Icon } from "../components/icons";
import { Failure } from "../components/states";
import { count } from "../format/text";
import { BUCKET_MS, bucketFor, stamp, whole } from "../format/time";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { countEvents } from "../volume/count-events";
import { stack } from "../volume/stack";
import { Legend, VolumeChart } from "../volume/volume-chart";
import { FIELD_NAMES, type Filters, RANGES, timeRange, toQuery } from "./filters";
import "./volume-panel.css";

/** The time range of the chart when the list has no beginning. */
const DEFAULT_RANGE = RANGES["30d"];
/** How often events are counted again if the server has to read them: at most, and at least. */
const RECOUNT = 15_000;
const LONGEST_RECOUNT = 300_000;

export function VolumePanel({
  filters,
  set,
  arrivals,
}: {
  filters: Filters;
  set: (filters: Filters) => void;
  /** Changes when new events have arrived. */
  arrivals: number;
}) {
  const now = useNow(30_000);
  const asked = timeRange(filters, now);
  const end = asked.until ?? now;
  const begin = asked.since ?? timeRange({ range: "30d" }, now).since ?? end - DEFAULT_RANGE;
  const size = bucketFor(end - begin);
  // The server counts events by action as they arrive. With any other filter, or for buckets of minutes, it has to read
  // the events.
  const { action, ...others } = filters;
  const unfiltered = ([...FIELD_NAMES, "search"] as const).every((field) => field === "action" || !filters[field]);
  const isCounted = unfiltered && BUCKET_MS[size] >= BUCKET_MS["1h"];
  const key = JSON.stringify([unfiltered ? [filters.range, filters.since, filters.until] : filters, size]);
  const query = {
    ...toQuery(unfiltered ? others : filters, now),
    since: new Date(begin).toISOString(),
    until: asked.until === undefined ? undefined : new Date(end).toISOString(),
  };
  const counted = useLoad(
    key,
    (signal) => countEvents(query, size, signal),
    isCounted ? 30_000 : unfiltered ? 60_000 : LONGEST_RECOUNT,
  );
  const last = counted.data?.at ?? 0;
  const isEmpty = counted.data?.volume.results.length === 0;
  useEffect(() => {
    if (!arrivals) return undefined;
    // The first event must not stand beside a zero.
    const wait = isCounted || isEmpty ? 0 : Math.max(0, last + RECOUNT - serverNow());
    const timer = setTimeout(counted.reload, wait);
    return () => clearTimeout(timer);
  }, [arrivals]);
  const { volume } = counted.data ?? {};
  const matching = useMemo(
    () => (volume?.results ?? []).filter((bucket) => matchesAction(action, bucket.action)),
    [volume, action],
  );
  const stacked = useMemo(() => stack(matching), [matching]);
  if (counted.problem && !volume) return <Failure problem={counted.problem} retry={counted.reload} />;
  const searchedTo = volume?.searched?.from;
  const bucket = BUCKET_MS[counted.data?.size ?? size];
  const precision = bucket >= BUCKET_MS["1h"] ? BUCKET_MS["1h"] : BUCKET_MS["1m"];
  return (
    <section class="panel volume-panel" aria-label="Volume">
      <div class="volume-head">
        <span>
          {volume ? <b>{count(stacked.total)}</b> : "Counting"} events{" "}
          {asked.since === undefined ? "in the last 30 days" : "in this time range"}
          {searchedTo && Date.parse(searchedTo) > begin ? (
            <span class="dim">, counted back to {stamp(searchedTo)}</span>
          ) : (
            volume &&
            begin % precision !== 0 && (
              <span class="dim">, counted from {stamp(new Date(whole(begin, end, precision).since))}</span>
            )
          )}
        </span>
        <button
          type="button"
          class="plain small"
          disabled={!filters.since}
          onClick={() => set(zoomedOut(filters, begin, end, now))}
        >
          <Icon name="out" /> Zoom out
        </button>
        <Legend stack={stacked} pick={(action) => set({ ...filters, action })} />
      </div>
      <VolumeChart
        stack={stacked}
        since={begin}
        until={end}
        bucket={bucket}
        zoom={(from, to) => {
          const { range, ...rest } = filters;
          set({
            ...rest,
            since: new Date(from).toISOString(),
            until: to < now ? new Date(to).toISOString() : undefined,
          });
        }}
      />
    </section>
  );
}

/** Three times the range around the same middle, but not beyond now, in whole buckets. */
function zoomedOut(filters: Filters, begin: number, end: number, now: number): Filters {
  const { range, ...rest } = filters;
  const length = 3 * (end - begin);
  const until = Math.min(now, end + (end - begin));
  const buckets = whole(until - length, until, BUCKET_MS[bucketFor(length)]);
  return {
    ...rest,
    since: new Date(buckets.since).toISOString(),
    until: buckets.until < now ? new Date(buckets.until).toISOString() : undefined,
  };
}

/** Whether the action matches the filter: an action, or a prefix followed by `*`. */
function matchesAction(pattern: string | undefined, action: string): boolean {
  if (!pattern) return true;
  return pattern.endsWith("*") ? action.startsWith(pattern.slice(0, -1)) : action === pattern;
}
