/** The overview: event volume, most frequent values, places, and the health of the deliveries. */

import { useMemo } from "preact/hooks";
import { read, serverNow } from "../api/client";
import type { Searched, TopValues } from "../api/types";
import { navigate } from "../app/routes";
import { Panel } from "../components/panel";
import { Failure, Waiting } from "../components/states";
import {
  FIELDS,
  type Field,
  type Filters,
  RANGE_NAMES,
  RANGES,
  type Range,
  timeRange,
  toAddress,
} from "../events/filters";
import { count, plural, visible } from "../format/text";
import { BUCKET_MS, bucketFor, stamp } from "../format/time";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { useTitle } from "../hooks/use-title";
import { countEvents } from "../volume/count-events";
import { colourOf, stack } from "../volume/stack";
import { Legend, VolumeChart } from "../volume/volume-chart";
import { DeliveryHealth } from "./delivery-health";
import { pins } from "./pins";
import { WorldMap } from "./world-map";
import "./overview-page.css";

/** The most places requested for the map. */
const MAX_PLACES = 1000;

export function OverviewPage({ query }: { query: URLSearchParams }) {
  useTitle("Overview");
  const asked = query.get("range") ?? "";
  const range: Range = asked in RANGES ? (asked as Range) : "24h";
  const now = useNow(30_000);
  const begin = beginOf(range, now);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Overview</h1>
        <nav class="segments" aria-label="Time range">
          {(Object.keys(RANGES) as Range[]).map((one) => (
            <a
              key={one}
              href={`/overview?range=${one}`}
              aria-current={one === range ? "page" : undefined}
              title={RANGE_NAMES[one]}
            >
              {one}
            </a>
          ))}
        </nav>
      </div>
      <VolumeOf range={range} begin={begin} end={now} />
      <div class="tiles">
        <Top range={range} by="action" title="Actions" />
        <Top range={range} by="user" title="Users" />
        <Top range={range} by="app" title="Apps" />
        <Top range={range} by="ip" title="Addresses" />
      </div>
      <div class="columns wide-left">
        <Places range={range} />
        <DeliveryHealth range={range} />
      </div>
    </div>
  );
}

function VolumeOf({ range, begin, end }: { range: Range; begin: number; end: number }) {
  const size = bucketFor(end - begin);
  const counted = useLoad(
    `volume ${range}`,
    (signal) => countEvents({ since: new Date(begin).toISOString() }, size, signal),
    BUCKET_MS[size] < BUCKET_MS["1h"] ? 60_000 : 30_000,
  );
  const { volume } = counted.data ?? {};
  const stacked = useMemo(() => stack(volume?.results ?? []), [volume]);
  if (counted.problem && !volume) return <Failure problem={counted.problem} retry={counted.reload} />;
  return (
    <Panel title="Volume by action">
      <div class="volume-head">
        <span>
          <b>{count(stacked.total)}</b> events <span class="dim">since {stamp(new Date(begin))}</span>
        </span>
        <Legend stack={stacked} pick={(action) => navigate(toAddress({ action, range }))} />
      </div>
      <VolumeChart
        stack={stacked}
        since={begin}
        until={end}
        bucket={BUCKET_MS[counted.data?.size ?? size]}
        height={180}
        zoom={(from, to) =>
          navigate(toAddress({ since: new Date(from).toISOString(), until: new Date(to).toISOString() }))
        }
      />
    </Panel>
  );
}

function Top({ range, by, title }: { range: Range; by: Field; title: string }) {
  const query = () => ({ by: FIELDS[by], since: since(range), limit: 8 });
  const top = useLoad(`top ${by} ${range}`, (signal) => read<TopValues>("/v1/events/top", query(), signal), 60_000);
  const results = top.data?.results ?? [];
  const most = results[0]?.count ?? 1;
  return (
    <Panel title={title}>
      {top.problem && !top.data && <Failure problem={top.problem} retry={top.reload} />}
      {!top.data && !top.problem && <Waiting />}
      {top.data && !results.length && <p class="dim">None in this time range.</p>}
      <ol class="ranked">
        {results.map((one) => (
          <li key={one.value}>
            <svg class="ranked-share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
              <rect
                class={by === "action" ? `bar ${colourOf(one.value)}` : "bar plain-bar"}
                width={(100 * one.count) / most}
                height="1"
              />
            </svg>
            <a class="ranked-name" href={toAddress({ ...exactly(by, one.value), range })}>
              <bdi>{visible(one.value.slice(0, 120)) || "none"}</bdi>
            </a>
            <b class="number">{count(one.count)}</b>
          </li>
        ))}
      </ol>
      {top.data && <Coverage range={range} searched={top.data.searched} />}
    </Panel>
  );
}

/** States how many events were counted, unless all in the time range were. */
function Coverage({ range, searched }: { range: Range; searched: Searched }) {
  const whole = !searched.from || Date.parse(searched.from) <= Date.parse(since(range));
  return whole ? null : <p class="dim small">Of the newest {plural(searched.events, "event")}.</p>;
}

/** The filter for the events that were counted: those of the app itself, without the apps below it. */
function exactly(by: Field, value: string): Filters {
  return by === "app" ? { search: `app = ${JSON.stringify(value)}` } : { [by]: value };
}

/** The start of the range: the same as in the list of events, so that a count and the list behind it agree. */
function beginOf(range: Range, now: number): number {
  return timeRange({ range }, now).since ?? now;
}

const since = (range: Range) => new Date(beginOf(range, serverNow())).toISOString();

function Places({ range }: { range: Range }) {
  const query = () => ({ by: "place", since: since(range), limit: MAX_PLACES });
  const places = useLoad(`places ${range}`, (signal) => read<TopValues>("/v1/events/top", query(), signal), 60_000);
  const found = useMemo(() => pins(places.data?.results ?? []), [places.data]);
  const placed = found.reduce((sum, pin) => sum + pin.count, 0);
  return (
    <Panel title="Places">
      {places.problem && !places.data && <Failure problem={places.problem} retry={places.reload} />}
      {!places.data && !places.problem && <Waiting />}
      {places.data && (
        <>
          <p class="dim">
            {count(placed)} of {plural(places.data.searched.events, "event")} have a location.
          </p>
          <WorldMap pins={found} />
          {!found.length && (
            <p class="dim">
              An event appears on the map if its context has <code>geo</code> with <code>lat</code> and{" "}
              <code>long</code>.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}
