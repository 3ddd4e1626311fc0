/** Word from Nuncio that the signed-in user's inbox has changed, while somebody looks at the page. */

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

/** Happens at the window when the inbox may have changed. */
const CHANGED = "inbox-changed";

export const tellChanged = () => dispatchEvent(new Event(CHANGED));

/** Calls `act` when the inbox may have changed. */
export function useChanged(act: () => void): void {
  useEffect(() => {
    addEventListener(CHANGED, act);
    return () => removeEventListener(CHANGED, act);
  }, [act]);
}

/** Whether word of changes comes by itself; where it does not, one has to ask. */
export const LiveContext = createContext(false);

export const useIsLive = () => useContext(LiveContext);

/**
 * Listens while the page is visible: a hidden one would keep one of the few connections that a browser grants.
 * A stream that breaks is taken up again by the browser; one that is refused is tried again when the page is shown next.
 */
export function useLive(wanted: boolean): boolean {
  const [live, setLive] = useState(false);
  useEffect(() => {
    let stream: EventSource | undefined;
    const close = () => {
      stream?.close();
      stream = undefined;
      setLive(false);
    };
    const listen = () => {
      close();
      if (document.hidden || !wanted) return;
      stream = new EventSource("/v1/notifications/live");
      // What came before it was open is not told of.
      stream.onopen = () => {
        setLive(true);
        tellChanged();
      };
      stream.onerror = () => setLive(false);
      stream.addEventListener("inbox", tellChanged);
    };
    listen();
    document.addEventListener("visibilitychange", listen);
    return () => {
      document.removeEventListener("visibilitychange", listen);
      close();
    };
  }, [wanted]);
  return live;
}
