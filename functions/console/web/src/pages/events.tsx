/** The log: what happened, newest first, as it happens. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { read, send } from "../api";
import {
  FIELD_NAMES,
  type Field,
  type Filters,
  type Known,
  RANGES,
  RANGE_NAMES,
  type Range,
  fromAddress,
  parse,
  paths,
  span,
  toAddress,
  toQuery,
} from "../filters";
import { useAction, useLoad, useNow, useTitle } from "../hooks";
import { ExportMenu } from "../parts/export-menu";
import { Rows } from "../parts/rows";
import { Search, typing } from "../parts/search";
import { Empty, Failure, Waiting } from "../parts/states";
import { Legend, Volume } from "../parts/volume";
import { Icon } from "../parts/icons";
import { go } from "../routes";
import { useSession } from "../session";
import { useTail } from "../tail";
import { count, modelOf, plural, userName, visible } from "../text";
import { BUCKET_MS, bucketFor, stamp, whole } from "../time";
import type { Counted, LoggedEvent } from "../types";
import { stack } from "../volume";

export function EventsPage({ query }: { query: URLSearchParams }) {
  useTitle("Events");
  const filters = useMemo(() => fromAddress(query), [query.toString()]);
  const [live, setLive] = useState(true);
  const tail = useTail(filters, live && !filters.until);
  const set = (changed: Filters) => go(toAddress(changed));
  // Rows are not drawn again for new filters, so what they call must stay the same function.
  const latest = useRef(filters);
  latest.current = filters;
  const pick = useCallback((field: Field, value: string) => go(toAddress({ ...latest.current, [field]: value })), []);
  const known = useKnown(tail.events);
  useRowKeys();
  const filtered = Object.keys(filters).length > 0;
  return (
    <div class="page">
      <h1 class="hidden">Events</h1>
      <div class="toolbar">
        <Search
          text={filters.search ?? ""}
          known={known}
          submit={(text) => {
            const { search, ...rest } = filters;
            set({ ...rest, ...parse(text) });
          }}
        />
        <RangePicker filters={filters} set={set} />
        <ExportMenu filters={filters} />
        <LiveButton live={live} possible={!filters.until} stalled={tail.stalled} turn={() => setLive(!live)} />
      </div>
      <Chips filters={filters} set={set} />
      {filters.search && tail.asText && meantAsQuery(filters.search) && (
        <p class="notice-line">Looked for as plain text, because it is no query: {visible(tail.asText)}.</p>
      )}
      <VolumePanel filters={filters} set={set} />
      {tail.held.length > 0 && (
        <button
          type="button"
          class="arrivals"
          onClick={() => {
            tail.release();
            scrollTo(0, 0);
          }}
        >
          <Icon name="up" /> {plural(tail.held.length, "new event")}
        </button>
      )}
      {tail.problem && !tail.events.length ? (
        <Failure problem={tail.problem} retry={tail.reload} />
      ) : tail.events.length ? (
        <>
          <Rows events={tail.events} fresh={tail.fresh} pick={pick} />
          <End tail={tail} />
        </>
      ) : tail.loading ? (
        <Waiting what={tail.reached ? `Nothing back to ${stamp(tail.reached)}; looking further` : undefined} />
      ) : filtered ? (
        <Empty title="No event matches all of these filters">
          <button type="button" onClick={() => go("/events")}>
            Remove all filters
          </button>
        </Empty>
      ) : (
        <FirstEvent done={tail.reload} />
      )}
    </div>
  );
}

/** Whether somebody wrote operators, and will wonder that they were not understood. */
const meantAsQuery = (text: string) => /[=~<>]|\b(startswith|endswith|in|and|or)\b/.test(text);

function End({ tail }: { tail: ReturnType<typeof useTail> }) {
  const mark = useRef<HTMLDivElement>(null);
  const more = useRef(tail.more);
  more.current = tail.more;
  useEffect(() => {
    if (!mark.current) return undefined;
    const observer = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && more.current(), { rootMargin: "600px" });
    observer.observe(mark.current);
    return () => observer.disconnect();
    // After each page anew: a mark that stays in sight is not told of again.
  }, [tail.events.length]);
  return (
    <div ref={mark} class="list-end">
      {tail.problem ? (
        <Failure problem={tail.problem} retry={tail.more} />
      ) : tail.ended ? (
        <p class="dim">{plural(tail.events.length, "event")}, that is all.</p>
      ) : (
        <Waiting what={tail.reached && tail.loading ? `Loading older events, looked back to ${stamp(tail.reached)}` : "Loading older events"} />
      )}
    </div>
  );
}

function RangePicker({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const fixed = filters.since || filters.until;
  return (
    <select
      aria-label="Span of time"
      value={filters.range ?? (fixed ? "fixed" : "")}
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
      {fixed && <option value="fixed">Chosen span</option>}
    </select>
  );
}

function LiveButton({ live, possible, stalled, turn }: { live: boolean; possible: boolean; stalled: boolean; turn: () => void }) {
  const on = live && possible;
  const said = !possible ? "Past" : !live ? "Paused" : stalled ? "Reconnecting" : "Live";
  return (
    <button
      type="button"
      class={`live ${on ? (stalled ? "stalled" : "on") : ""}`}
      aria-pressed={on}
      disabled={!possible}
      onClick={turn}
      title={possible ? "New events appear by themselves" : "The span chosen has an end"}
    >
      <i class="dot" /> {said}
    </button>
  );
}

function Chips({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const chips: [(keyof Filters)[], string, string][] = [];
  for (const field of FIELD_NAMES) if (filters[field]) chips.push([[field], field, filters[field]]);
  if (filters.search) chips.push([["search"], "text", filters.search]);
  const { since, until } = filters;
  if (since || until) chips.push([["since", "until"], "time", spanWords(since, until)]);
  if (!chips.length) return null;
  return (
    <ul class="chips" aria-label="Filters">
      {chips.map(([keys, name, value]) => (
        <li key={name} class="chip">
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

/** The day is said once where both ends lie on it. */
function spanWords(since: string | undefined, until: string | undefined): string {
  if (!since || !until) return since ? `from ${stamp(since)}` : `until ${stamp(until ?? "")}`;
  const [from, to] = [stamp(since), stamp(until)];
  return `${from.slice(0, 16)} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11, 16) : to.slice(0, 16)}`;
}

/** What the graph shows where the list has no beginning. */
const DEFAULT_SPAN = RANGES["30d"];

function VolumePanel({ filters, set }: { filters: Filters; set: (filters: Filters) => void }) {
  const now = Math.ceil(useNow(30_000) / 60_000) * 60_000;
  const asked = span(filters, now);
  const end = asked.until ?? now;
  const begin = asked.since ?? end - DEFAULT_SPAN;
  const size = bucketFor(end - begin);
  const { since, until } = whole(begin, end, size);
  // Counts by action are there already; for everything else events are looked at, which is not asked for again and again.
  const { action, ...others } = filters;
  const counted = ([...FIELD_NAMES, "search"] as const).every((field) => field === "action" || !filters[field]);
  const key = JSON.stringify([counted ? [filters.range, filters.since, filters.until] : filters, size]);
  const query = { ...toQuery(counted ? others : filters, now), since: new Date(since).toISOString(), until: new Date(until).toISOString(), bucket: size };
  const volume = useLoad(key, (signal) => read<Counted>("/v1/events/volume", query, signal), counted ? 30_000 : 300_000);
  const fitting = useMemo(() => (volume.data?.results ?? []).filter((bucket) => admits(action, bucket.action)), [volume.data, action]);
  const stacked = useMemo(() => stack(fitting), [fitting]);
  if (volume.problem && !volume.data) return <Failure problem={volume.problem} retry={volume.reload} />;
  const from = volume.data?.searched?.from;
  const span_ = asked.since === undefined ? "in the last 30 days" : "in this span";
  return (
    <section class="panel volume-panel" aria-label="Volume">
      <div class="volume-head">
        <span>
          {volume.data ? <b>{count(stacked.total)}</b> : "Counting"} events {span_}
          {from && Date.parse(from) > begin && <span class="dim">, counted back to {stamp(from)}</span>}
        </span>
        {filters.since && (
          <button type="button" class="plain small" onClick={() => set(wider(filters, begin, end, now))}>
            <Icon name="out" /> Zoom out
          </button>
        )}
        <Legend stack={stacked} pick={(action) => set({ ...filters, action })} />
      </div>
      <Volume
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

/** Three times as long around the same middle, and no further than now. */
function wider(filters: Filters, begin: number, end: number, now: number): Filters {
  const { range, ...rest } = filters;
  const until = Math.min(now, end + (end - begin));
  return { ...rest, since: new Date(until - 3 * (end - begin)).toISOString(), until: until < now ? new Date(until).toISOString() : undefined };
}

function admits(pattern: string | undefined, action: string): boolean {
  if (!pattern) return true;
  return pattern.endsWith("*") ? action.startsWith(pattern.slice(0, -1)) : action === pattern;
}

const MOST_PATHS = 400;

/** What the search box can complete: the values of events seen so far. */
function useKnown(events: LoggedEvent[]): Known {
  const [seen] = useState(() => ({
    ...(Object.fromEntries(FIELD_NAMES.map((field) => [field, new Set<string>()])) as Record<Field, Set<string>>),
    paths: new Set<string>(),
  }));
  useMemo(() => {
    for (const event of events.slice(0, 5_000)) {
      const values: [Field, string | null | undefined][] = [
        ["action", event.action],
        ["app", event.app],
        ["ip", event.client_ip],
        ["user", userName(event)],
        ["model", modelOf(event)?.model],
      ];
      for (const [field, value] of values) if (value) seen[field].add(value);
      if (seen.paths.size > MOST_PATHS) continue;
      for (const path of [...paths("user", event.user), ...paths("context", event.context)]) seen.paths.add(path);
    }
  }, [events]);
  return seen;
}

/** `j` and `k` go from row to row. */
function useRowKeys(): void {
  useEffect(() => {
    const move = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (event.key !== "j" && event.key !== "k") return;
      const rows = [...document.querySelectorAll<HTMLElement>(".row-link")];
      const at = rows.indexOf(document.activeElement as HTMLElement);
      rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)))]?.focus();
    };
    addEventListener("keydown", move);
    return () => removeEventListener("keydown", move);
  }, []);
}

function FirstEvent({ done }: { done: () => void }) {
  const { admin } = useSession();
  const action = useAction();
  const post = () =>
    action.run(async () => {
      await send("POST", "/v1/events", { action: "configuration_error", context: { message: "The mail relay is unreachable (an example)" } });
      done();
    });
  const line = `curl ${location.origin}/v1/events -H 'Content-Type: application/json' \\\n  -H "Authorization: Bearer $NUNCIO_TOKEN" \\\n  -d '{"action": "login", "user": {"username": "ann"}}'`;
  return (
    <Empty title="No event yet">
      <p>Post one from a shell, with a token of scope ingest:</p>
      <pre>{line}</pre>
      {admin && (
        <button type="button" class="primary" disabled={action.busy} onClick={post}>
          Or post an example now
        </button>
      )}
      {action.problem && (
        <Failure problem={action.problem.missing ? Object.assign(action.problem, { detail: "Here events come in at another address: that of the function ingest." }) : action.problem} />
      )}
    </Empty>
  );
}
