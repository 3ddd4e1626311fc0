/** Loads data from the API inside a component: once, or repeatedly while the page is visible. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client";

export interface Loaded<T> {
  /** The last data for the current key, also after a failed reload. */
  data?: T;
  /** Why the last load failed. */
  problem?: Problem;
  loading: boolean;
  reload: () => void;
}

const MAX_DELAY = 60_000;

/**
 * Loads when `key` changes, then every `interval` milliseconds while the page is visible, and every `hiddenInterval`
 * milliseconds while it is hidden; 0 means never. After failures the delay doubles, up to a minute.
 */
export function useLoad<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  interval = 0,
  hiddenInterval = 0,
): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; problem?: Problem; loading: boolean }>({
    key,
    loading: true,
  });
  const [reloads, setReloads] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    let failures = 0;
    let timer = 0;
    const abort = new AbortController();
    const run = async () => {
      try {
        const data = await latest.current(abort.signal);
        if (abort.signal.aborted) return;
        failures = 0;
        setState({ key, data, loading: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        failures += 1;
        const problem = error instanceof Problem ? error : new Problem(0, String(error));
        setState((before) => ({
          key,
          data: before.key === key ? before.data : undefined,
          problem,
          loading: false,
        }));
        // A missing object does not appear by asking again.
        if (problem.missing) return;
      }
      schedule();
    };
    const schedule = () => {
      clearTimeout(timer);
      const delay = document.hidden ? hiddenInterval : interval;
      if (delay) timer = setTimeout(run, Math.min(delay * 2 ** failures, MAX_DELAY)) as unknown as number;
    };
    const onVisibilityChange = () => (document.hidden ? schedule() : interval ? void run() : undefined);
    setState((before) => ({ key, data: before.key === key ? before.data : undefined, loading: true }));
    void run();
    document.addEventListener("visibilitychange", onVisibilityChange);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisibilityChange);
    };
  }, [key, interval, hiddenInterval, reloads]);
  const reload = useCallback(() => setReloads((count) => count + 1), []);
  // Until the effect for a new key has run, the state still holds the old key's data.
  return state.key === key ? { ...state, reload } : { loading: true, reload };
}
