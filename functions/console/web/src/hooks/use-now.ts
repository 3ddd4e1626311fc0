/** The current time, for texts such as "3 min ago". */

import { useEffect, useState } from "preact/hooks";

/** Milliseconds since the epoch, updated every `interval` milliseconds. */
export function useNow(interval = 30_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}
