/** Reading from the API inside a component: once, or again and again while somebody looks. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./api";

export interface Loaded<T> {
  data?: T;
  problem?: Problem;
  loading: boolean;
  reload: () => void;
}

const LONGEST_WAIT = 60_000;

/**
 * Loads when `key` changes, and every `every` milliseconds while the page is visible, every `hidden` while it is
 * not; 0 is never. After failures the wait doubles, up to a minute. What was loaded last stays until there is
 * something newer for the same key.
 */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every = 0, hidden = 0): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; problem?: Problem; loading: boolean }>({ key, loading: true });
  const [again, setAgain] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    let failures = 0;
    let timer = 0;
    const stop = new AbortController();
    const run = async () => {
      try {
        const data = await latest.current(stop.signal);
        if (stop.signal.aborted) return;
        failures = 0;
        setState({ key, data, loading: false });
      } catch (error) {
        if (stop.signal.aborted) return;
        failures += 1;
        const problem = error instanceof Problem ? error : new Problem(0, String(error));
        setState((before) => ({ key, data: before.key === key ? before.data : undefined, problem, loading: false }));
        // What is not there will not appear by asking again.
        if (problem.missing) return;
      }
      schedule();
    };
    const schedule = () => {
      clearTimeout(timer);
      const wait = document.hidden ? hidden : every;
      if (wait) timer = setTimeout(run, Math.min(wait * 2 ** failures, LONGEST_WAIT)) as unknown as number;
    };
    const shown = () => (document.hidden ? schedule() : every ? void run() : undefined);
    setState((before) => ({ key, data: before.key === key ? before.data : undefined, loading: true }));
    void run();
    document.addEventListener("visibilitychange", shown);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key, every, hidden, again]);
  const reload = useCallback(() => setAgain((count) => count + 1), []);
  // Between a change of key and its effect, the old key's data must not be taken for the new one's.
  return state.key === key ? { ...state, reload } : { loading: true, reload };
}

/** The time, renewed every so often, for "3 min ago". */
export function useNow(every = 30_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** Something the user asks to be done: whether it is under way, and what went wrong. */
export function useAction(): { busy: boolean; problem?: Problem; run: (act: () => Promise<unknown>) => Promise<boolean> } {
  const [state, setState] = useState<{ busy: boolean; problem?: Problem }>({ busy: false });
  const run = useCallback(async (act: () => Promise<unknown>) => {
    setState({ busy: true });
    try {
      await act();
      setState({ busy: false });
      return true;
    } catch (error) {
      setState({ busy: false, problem: error instanceof Problem ? error : new Problem(0, String(error)) });
      return false;
    }
  }, []);
  return { ...state, run };
}

let unread = 0;
let pageTitle = "";

function writeTitle(): void {
  document.title = `${unread ? `(${unread > 99 ? "99+" : unread}) ` : ""}${pageTitle} · Nuncio`;
}

export function useTitle(title: string): void {
  useEffect(() => {
    pageTitle = title;
    writeTitle();
  }, [title]);
}

/** How much is unread stands in the tab's title too, for those who look at another one. */
export function useUnreadInTitle(count: number): void {
  useEffect(() => {
    unread = count;
    writeTitle();
  }, [count]);
}
