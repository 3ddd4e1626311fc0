/** The list of events: loads older ones on demand, and newer ones as they arrive. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem, read, serverNow } from "../api/client";
import type { EventPage, LoggedEvent } from "../api/types";
import { keeper } from "../app/entries";
import { type Filters, toQuery } from "./filters";

const PAGE_SIZE = 50;
const MIN_POLL_INTERVAL = 2_000;
const MAX_POLL_INTERVAL = 15_000;
const MAX_RETRY_DELAY = 60_000;
/** A sender may stamp an event a little before it arrives, so polling looks back this far, in milliseconds. */
const MAX_ARRIVAL_DELAY = 60_000;
/** From this scroll position on, new events wait for the user: inserting them would move what the user reads. */
const SCROLLED_DOWN = 160;

export interface EventFeed {
  /** Newest first. */
  events: LoggedEvent[];
  /** New events that wait for {@link EventFeed.showPending} while the user has scrolled down. */
  pending: LoggedEvent[];
  /** The pks of the events that were added last, which are highlighted. */
  added: Set<string>;
  loading: boolean;
  /** How often new events have arrived. */
  arrivals: number;
  /** Whether the oldest event is shown. */
  complete: boolean;
  problem?: Problem;
  /** Whether the last poll for new events failed. */
  stalled: boolean;
  /** The time back to which the log was searched so far, when matches are rare. */
  searchedTo?: string;
  /** Why the search text is not a query and was searched for as plain text. */
  plainTextReason?: string;
  loadMore: () => void;
  showPending: () => void;
  reload: () => void;
}

interface State {
  events: LoggedEvent[];
  pending: LoggedEvent[];
  added: Set<string>;
  arrivals: number;
  /** `undefined` before the first page, `null` after the last. */
  next: string | null | undefined;
  loading: boolean;
  stalled: boolean;
  searchedTo?: string;
  plainTextReason?: string;
  problem?: Problem;
}

const EMPTY: State = {
  events: [],
  pending: [],
  added: new Set(),
  arrivals: 0,
  next: undefined,
  loading: true,
  stalled: false,
};

export function useEventFeed(filters: Filters, live: boolean): EventFeed {
  const key = JSON.stringify(filters);
  // Going back shows the events that were loaded before.
  const [state, setState] = useState<State>(() => keptState(key) ?? EMPTY);
  const latest = useRef(state);
  latest.current = state;
  const loading = useRef<AbortController | undefined>(undefined);

  const load = useCallback(
    async (cursor: string | null) => {
      loading.current?.abort();
      const abort = new AbortController();
      loading.current = abort;
      setState((before) => ({ ...before, loading: true, problem: undefined }));
      try {
        const query = toQuery(filters, serverNow());
        for (let next = cursor; ; ) {
          const page = await read<EventPage>("/v1/events", { ...query, limit: PAGE_SIZE, cursor: next }, abort.signal);
          if (abort.signal.aborted) return;
          // A response covers a bounded part of the log. If that part has no match, the search continues.
          const more = !page.results.length && page.next !== null;
          setState((before) => ({
            ...before,
            events: cursor ? [...before.events, ...without(page.results, before.events)] : page.results,
            next: page.next,
            loading: more,
            searchedTo: page.searched.from ?? undefined,
            plainTextReason: page.search?.as === "text" ? page.search.why : undefined,
          }));
          if (!more) return;
          next = page.next;
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, String(error));
        setState((before) => ({ ...before, loading: false, problem }));
      }
    },
    [key],
  );

  useEffect(() => {
    const { keep } = keeper<KeptFeed>("feed");
    const kept = keptState(key);
    setState(kept ?? EMPTY);
    if (!kept) void load(null);
    return () => {
      loading.current?.abort();
      if (latest.current.events.length) keep({ key, state: latest.current });
    };
  }, [load]);

  useEffect(() => {
    if (!live) return undefined;
    const abort = new AbortController();
    // Events that arrived while another page was shown are new, too.
    const started = latest.current.events.length ? 0 : serverNow();
    let delay = MIN_POLL_INTERVAL;
    let timer = 0;
    const poll = async () => {
      const { events, pending, loading } = latest.current;
      if (loading || document.hidden) return schedule();
      const newest = pending[0] ?? events[0];
      // Older events were loaded before, and there may be many.
      const since = Math.max(started, newest ? Date.parse(newest.created) : 0);
      const wanted = toQuery(filters, serverNow());
      const from = later(wanted.since, new Date(since - MAX_ARRIVAL_DELAY).toISOString());
      try {
        const page = await read<EventPage>("/v1/events", { ...wanted, since: from, limit: PAGE_SIZE }, abort.signal);
        if (abort.signal.aborted) return;
        const found = without(page.results, [...pending, ...events]);
        delay = found.length ? MIN_POLL_INTERVAL : Math.min(delay * 1.3, MAX_POLL_INTERVAL);
        if (found.length === PAGE_SIZE && events.length) {
          // More than one page has arrived. The list starts again from the top, so that no event is missing in between.
          setState((before) => ({
            ...before,
            events: found,
            pending: [],
            added: new Set(),
            arrivals: before.arrivals + 1,
            next: page.next,
            stalled: false,
          }));
        } else if (found.length || latest.current.stalled) {
          setState((before) => withArrived(before, found));
        }
      } catch {
        if (abort.signal.aborted) return;
        delay = Math.min(delay * 2, MAX_RETRY_DELAY);
        setState((before) => ({ ...before, stalled: true }));
      }
      return schedule();
    };
    const schedule = () => {
      clearTimeout(timer);
      timer = setTimeout(poll, delay) as unknown as number;
    };
    const onVisibilityChange = () => {
      if (document.hidden) return;
      delay = MIN_POLL_INTERVAL;
      clearTimeout(timer);
      void poll();
    };
    schedule();
    document.addEventListener("visibilitychange", onVisibilityChange);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisibilityChange);
    };
  }, [key, live]);

  return {
    ...state,
    complete: state.next === null,
    loadMore: () => state.next && !state.loading && void load(state.next),
    showPending: () =>
      setState((before) => ({
        ...before,
        events: [...before.pending, ...before.events],
        added: pks(before.pending),
        pending: [],
      })),
    reload: () => {
      setState(EMPTY);
      void load(null);
    },
  };
}

interface KeptFeed {
  key: string;
  state: State;
}

/** The events that this entry of the history showed, if it had the same filters. */
function keptState(key: string): State | undefined {
  const { kept } = keeper<KeptFeed>("feed");
  return kept?.key === key ? { ...kept.state, added: new Set(), loading: false, problem: undefined } : undefined;
}

function withArrived(before: State, found: LoggedEvent[]): State {
  const arrivals = before.arrivals + (found.length ? 1 : 0);
  if (scrollY > SCROLLED_DOWN)
    return { ...before, arrivals, pending: sorted([...found, ...before.pending]), stalled: false };
  return {
    ...before,
    arrivals,
    events: sorted([...found, ...before.pending, ...before.events]),
    pending: [],
    added: pks(found),
    stalled: false,
  };
}

/** By pk, newest first, as the server lists them. */
function sorted(events: LoggedEvent[]): LoggedEvent[] {
  return events.sort((a, b) => (a.pk < b.pk ? 1 : -1));
}

const pks = (events: LoggedEvent[]) => new Set(events.map((event) => event.pk));

function without(events: LoggedEvent[], known: LoggedEvent[]): LoggedEvent[] {
  const knownPks = pks(known);
  return events.filter((event) => !knownPks.has(event.pk));
}

function later(one: unknown, other: string): string {
  return typeof one === "string" && one > other ? one : other;
}
