/** The event log: newest events first, updated live. */

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate } from "../app/routes";
import { Icon } from "../components/icons";
import { Empty, Failure, Waiting } from "../components/states";
import { plural, visible } from "../format/text";
import { stamp } from "../format/time";
import { useTitle } from "../hooks/use-title";
import { useEventFeed } from "./event-feed";
import { EventTable } from "./event-table";
import "./events-page.css";
import { ExportMenu } from "./export-menu";
import { FilterChips } from "./filter-chips";
import { type Field, type Filters, fromAddress, toAddress, unreadableTimes } from "./filters";
import { FirstEvent } from "./first-event";
import { ListEnd } from "./list-end";
import { LiveButton } from "./live-button";
import { RangePicker } from "./range-picker";
import { SearchBox } from "./search-box";
import { parse } from "./search-text";
import { useKnownValues } from "./use-known-values";
import { useRowKeys } from "./use-row-keys";
import { VolumePanel } from "./volume-panel";

export function EventsPage({ query }: { query: URLSearchParams }) {
  useTitle("Events");
  const filters = useMemo(() => fromAddress(query), [query.toString()]);
  const [live, setLive] = useState(true);
  const feed = useEventFeed(filters, live && !filters.until);
  const set = (changed: Filters) => navigate(toAddress(changed));
  // The rows are memoised and not rendered again for new filters, so this function must stay the same.
  const latest = useRef(filters);
  latest.current = filters;
  const pick = useCallback(
    (field: Field, value: string) => navigate(toAddress({ ...latest.current, [field]: value })),
    [],
  );
  const known = useKnownValues(feed.events);
  const [searchError, setSearchError] = useState<string>();
  useEffect(() => setSearchError(undefined), [filters]);
  const unreadable = unreadableTimes(query);
  useRowKeys();
  return (
    <div class="page">
      <h1 class="hidden">Events</h1>
      <div class="toolbar">
        <SearchBox
          text={filters.search ?? ""}
          known={known}
          submit={(text) => {
            const { search, ...rest } = filters;
            const parsed = parse(text);
            setSearchError(parsed.error);
            if (parsed.filters) set({ ...rest, ...parsed.filters });
          }}
        />
        <RangePicker filters={filters} set={set} />
        <ExportMenu filters={filters} />
        <LiveButton live={live} possible={!filters.until} stalled={feed.stalled} toggle={() => setLive(!live)} />
      </div>
      {searchError && (
        <p class="notice-line" role="alert">
          {visible(searchError)}
        </p>
      )}
      {unreadable.length > 0 && (
        <p class="notice-line">
          Ignored {visible(unreadable.join(" and "))} of the address: not a time. Write 2026-03-01 or 2026-03-01T09:00Z.
        </p>
      )}
      <FilterChips filters={filters} set={set} />
      {filters.search && feed.plainTextReason && looksLikeQuery(filters.search) && (
        <p class="notice-line">
          Searched for as plain text, because it is not a valid query: {visible(feed.plainTextReason)}.
        </p>
      )}
      <VolumePanel filters={filters} set={set} arrivals={feed.arrivals} />
      {feed.pending.length > 0 && (
        <button
          type="button"
          class="pending-events"
          onClick={() => {
            feed.showPending();
            scrollTo(0, 0);
          }}
        >
          <Icon name="up" /> {plural(feed.pending.length, "new event")}
        </button>
      )}
      {feed.problem && !feed.events.length ? (
        <Failure problem={feed.problem} retry={feed.reload} />
      ) : feed.events.length ? (
        <>
          <EventTable events={feed.events} added={feed.added} pick={pick} />
          <ListEnd feed={feed} />
        </>
      ) : feed.loading ? (
        <Waiting what={feed.searchedTo ? `No match back to ${stamp(feed.searchedTo)}, searching further` : undefined} />
      ) : Object.keys(filters).length > 0 ? (
        <Empty title="No event matches all of these filters">
          <button type="button" onClick={() => navigate("/events")}>
            Remove all filters
          </button>
        </Empty>
      ) : (
        <FirstEvent done={feed.reload} />
      )}
    </div>
  );
}

/** Whether the text contains an operator: then its author expects a query, and must learn that it was not read as one. */
const looksLikeQuery = (text: string) => /[=~<>]|\b(startswith|endswith|in|and|or)\b/.test(text);
