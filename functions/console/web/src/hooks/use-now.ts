/** The current time, for texts such as "3 min ago". */

import { useEffect, useState } from "preact/hooks";
import { serverNow } from "../api/client";

/** The server's time in milliseconds since the epoch, updated every `interval` milliseconds. */
export function useNow(interval = 30_000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}
