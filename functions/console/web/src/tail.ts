/** A list of events that grows at both ends: older ones on demand, newer ones as they come. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem, read, serverNow } from "./api";
import { type Filters, toQuery } from "./filters";
import type { Found, LoggedEvent } from "./types";

const PAGE = 50;
const SOONEST = 2_000;
const LATEST = 15_000;
/** Events may carry a time a little before that of their arrival. */
const SLACK = 60_000;

export interface Tail {
  events: LoggedEvent[];
  /** Arrived, but held back while somebody reads further down. */
  held: LoggedEvent[];
  fresh: Set<string>;
  loading: boolean;
  ended: boolean;
  problem?: Problem;
  /** Whether the last look for newer ones failed. */
  stalled: boolean;
  /** Back to when was looked so far, where what is looked for is rare. */
  reached?: string;
  /** Why what is looked for was taken as plain text. */
  asText?: string;
  more: () => void;
  release: () => void;
  reload: () => void;
}

interface State {
  events: LoggedEvent[];
  held: LoggedEvent[];
  fresh: Set<string>;
  next: string | null | undefined;
  loading: boolean;
  stalled: boolean;
  reached?: string;
  asText?: string;
  problem?: Problem;
}

const EMPTY: State = { events: [], held: [], fresh: new Set(), next: undefined, loading: true, stalled: false };

export function useTail(filters: Filters, live: boolean): Tail {
  const key = JSON.stringify(filters);
  const [state, setState] = useState<State>(EMPTY);
  const [again, setAgain] = useState(0);
  const latest = useRef(state);
  latest.current = state;
  const busy = useRef<AbortController | undefined>(undefined);

  const load = useCallback(
    async (cursor: string | null) => {
      busy.current?.abort();
      const stop = (busy.current = new AbortController());
      setState((before) => ({ ...before, loading: true, problem: undefined }));
      try {
        const asked = toQuery(filters, Date.now());
        for (let next = cursor; ; ) {
          const page = await read<Found>("/v1/events", { ...asked, limit: PAGE, cursor: next }, stop.signal);
          if (stop.signal.aborted) return;
          // One answer looks at a bounded part; where it found nothing there, the search goes on.
          const loading = !page.results.length && page.next !== null;
          const [reached, asText] = [page.searched.from ?? undefined, page.search?.as === "text" ? page.search.why : undefined];
          setState((before) => ({
            ...before,
            events: cursor ? [...before.events, ...without(page.results, before.events)] : page.results,
            next: page.next,
            loading,
            reached,
            asText,
          }));
          if (!loading) return;
          next = page.next;
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        setState((before) => ({ ...before, loading: false, problem: error instanceof Problem ? error : new Problem(0, String(error)) }));
      }
    },
    [key],
  );

  useEffect(() => {
    setState(EMPTY);
    void load(null);
    return () => busy.current?.abort();
  }, [load, again]);

  useEffect(() => {
    if (!live) return undefined;
    const stop = new AbortController();
    const began = serverNow();
    let wait = SOONEST;
    let timer = 0;
    const look = async () => {
      const { events, held, loading } = latest.current;
      if (loading || document.hidden) return schedule();
      const newest = held[0] ?? events[0];
      // What is older was looked through before, and may be much.
      const since = Math.max(began, newest ? Date.parse(newest.created) : 0);
      const wanted = toQuery(filters, Date.now());
      const query = { ...wanted, since: later(wanted.since, new Date(since - SLACK).toISOString()), limit: PAGE };
      try {
        const page = await read<Found>("/v1/events", query, stop.signal);
        if (stop.signal.aborted) return;
        const found = without(page.results, [...held, ...events]);
        wait = found.length ? SOONEST : Math.min(wait * 1.3, LATEST);
        // More than a page has come at once: what lies between is read from the top again.
        if (found.length === PAGE && events.length) setState((before) => ({ ...before, events: found, held: [], fresh: new Set(), next: page.next, stalled: false }));
        else if (found.length || latest.current.stalled) setState((before) => arrived(before, found));
      } catch {
        if (stop.signal.aborted) return;
        wait = Math.min(wait * 2, 60_000);
        setState((before) => ({ ...before, stalled: true }));
      }
      return schedule();
    };
    const schedule = () => {
      clearTimeout(timer);
      timer = setTimeout(look, wait) as unknown as number;
    };
    const shown = () => {
      if (document.hidden) return;
      wait = SOONEST;
      clearTimeout(timer);
      void look();
    };
    schedule();
    document.addEventListener("visibilitychange", shown);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key, live, again]);

  return {
    ...state,
    ended: state.next === null,
    more: () => state.next && !state.loading && void load(state.next),
    release: () => setState((before) => ({ ...before, events: [...before.held, ...before.events], fresh: pks(before.held), held: [] })),
    reload: () => setAgain((count) => count + 1),
  };
}

function arrived(before: State, found: LoggedEvent[]): State {
  if (scrollY > 160) return { ...before, held: inOrder([...found, ...before.held]), stalled: false };
  return { ...before, events: inOrder([...found, ...before.held, ...before.events]), held: [], fresh: pks(found), stalled: false };
}

/** By pk, newest first, as the server lists them. */
function inOrder(events: LoggedEvent[]): LoggedEvent[] {
  return events.sort((a, b) => (a.pk < b.pk ? 1 : -1));
}

const pks = (events: LoggedEvent[]) => new Set(events.map((event) => event.pk));

function without(events: LoggedEvent[], known: LoggedEvent[]): LoggedEvent[] {
  const seen = pks(known);
  return events.filter((event) => !seen.has(event.pk));
}

function later(one: unknown, other: string): string {
  return typeof one === "string" && one > other ? one : other;
}
