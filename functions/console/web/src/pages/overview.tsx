/** How things stand: how much happens, what and whose, from where, and whether people are reached. */

import { useMemo } from "preact/hooks";
import { read } from "../api";
import { FIELDS, type Field, RANGES, RANGE_NAMES, type Range, toAddress } from "../filters";
import { useLoad, useNow, useTitle } from "../hooks";
import { Health } from "../parts/health";
import { Panel } from "../parts/panel";
import { Failure, Waiting } from "../parts/states";
import { Legend, Volume } from "../parts/volume";
import { WorldMap } from "../parts/world-map";
import { pins } from "../places";
import { go } from "../routes";
import { count, plural, visible } from "../text";
import { BUCKET_MS, bucketFor, whole } from "../time";
import type { Bucket, List, Searched } from "../types";
import { colourOf, stack } from "../volume";

/** On the map. */
const MOST_PLACES = 1000;

export function OverviewPage({ query }: { query: URLSearchParams }) {
  useTitle("Overview");
  const asked = query.get("range") ?? "";
  const range: Range = asked in RANGES ? (asked as Range) : "24h";
  const now = Math.ceil(useNow(30_000) / 60_000) * 60_000;
  const begin = now - RANGES[range];
  return (
    <div class="page">
      <div class="page-head">
        <h1>Overview</h1>
        <nav class="segments" aria-label="Span of time">
          {(Object.keys(RANGES) as Range[]).map((one) => (
            <a key={one} href={`/overview?range=${one}`} aria-current={one === range ? "page" : undefined} title={RANGE_NAMES[one]}>
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
        <Health range={range} since={since(range)} />
      </div>
    </div>
  );
}

function VolumeOf({ range, begin, end }: { range: Range; begin: number; end: number }) {
  const size = bucketFor(end - begin);
  const { since, until } = whole(begin, end, size);
  const volume = useLoad(
    `volume ${range}`,
    (signal) => read<List<Bucket>>("/v1/events/volume", { since: new Date(since).toISOString(), until: new Date(until).toISOString(), bucket: size }, signal),
    30_000,
  );
  const stacked = useMemo(() => stack(volume.data?.results ?? []), [volume.data]);
  if (volume.problem && !volume.data) return <Failure problem={volume.problem} retry={volume.reload} />;
  return (
    <Panel title="Volume by action">
      <div class="volume-head">
        <span>
          <b>{count(stacked.total)}</b> events
        </span>
        <Legend stack={stacked} pick={(action) => go(toAddress({ action, range }))} />
      </div>
      <Volume
        stack={stacked}
        since={since}
        until={until}
        bucket={BUCKET_MS[size]}
        height={180}
        zoom={(from, to) => go(toAddress({ since: new Date(from).toISOString(), until: new Date(to).toISOString() }))}
      />
    </Panel>
  );
}

interface Ranked extends List<{ value: string; count: number }> {
  searched: Searched;
}

function Top({ range, by, title }: { range: Range; by: Field; title: string }) {
  const query = () => ({ by: FIELDS[by], since: since(range), limit: 8 });
  const top = useLoad(`top ${by} ${range}`, (signal) => read<Ranked>("/v1/events/top", query(), signal), 60_000);
  const results = top.data?.results ?? [];
  const most = results[0]?.count ?? 1;
  return (
    <Panel title={title}>
      {top.problem && !top.data && <Failure problem={top.problem} retry={top.reload} />}
      {!top.data && !top.problem && <Waiting />}
      {top.data && !results.length && <p class="dim">None in this span.</p>}
      <ol class="ranked">
        {results.map((one) => (
          <li key={one.value}>
            <svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
              <rect class={by === "action" ? `bar ${colourOf(one.value)}` : "bar plain-bar"} width={(100 * one.count) / most} height="1" />
            </svg>
            <a class="ranked-name" href={toAddress({ [by]: one.value, range })}>
              <bdi>{visible(one.value.slice(0, 120)) || "none"}</bdi>
            </a>
            <b class="number">{count(one.count)}</b>
          </li>
        ))}
      </ol>
      {top.data && <Reach range={range} searched={top.data.searched} />}
    </Panel>
  );
}

/** Where not the whole span was counted, how much of it was. */
function Reach({ range, searched }: { range: Range; searched: Searched }) {
  const whole = !searched.from || Date.parse(searched.from) <= Date.parse(since(range));
  return whole ? null : <p class="dim small">Of the newest {plural(searched.events, "event")}.</p>;
}

/** By the whole hour, so that counts by the hour serve. */
function since(range: Range): string {
  const hour = 3_600_000;
  return new Date(Math.floor((Date.now() - RANGES[range]) / hour) * hour).toISOString();
}

function Places({ range }: { range: Range }) {
  const query = () => ({ by: "place", since: since(range), limit: MOST_PLACES });
  const places = useLoad(`places ${range}`, (signal) => read<Ranked>("/v1/events/top", query(), signal), 60_000);
  const found = useMemo(() => pins(places.data?.results ?? []), [places.data]);
  const placed = found.reduce((sum, pin) => sum + pin.count, 0);
  return (
    <Panel title="Places">
      {places.problem && !places.data && <Failure problem={places.problem} retry={places.reload} />}
      {!places.data && !places.problem && <Waiting />}
      {places.data && (
        <>
          <p class="dim">
            {count(placed)} of {plural(places.data.searched.events, "event")} say where they came from.
          </p>
          <WorldMap pins={found} />
          {!found.length && (
            <p class="dim">
              A pin appears for an event whose context has <code>geo</code> with <code>lat</code> and <code>long</code>.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}
