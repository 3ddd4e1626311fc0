/** Updates of the signed-in user's inbox, streamed by the server while the page is visible. */

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

/** The event on `window` that says that the inbox may have changed. */
const INBOX_CHANGED = "inbox-changed";

/** Makes every component that shows the inbox reload it. */
export const notifyInboxChanged = () => dispatchEvent(new Event(INBOX_CHANGED));

/** Calls `listener` when the inbox may have changed. */
export function useInboxChanges(listener: () => void): void {
  useEffect(() => {
    addEventListener(INBOX_CHANGED, listener);
    return () => removeEventListener(INBOX_CHANGED, listener);
  }, [listener]);
}

/** Whether the server streams updates. Without them, components have to poll. */
export const StreamingContext = createContext(false);

export const useIsStreaming = () => useContext(StreamingContext);

/**
 * Subscribes to the updates while the page is visible. A hidden page would hold one of the few connections that a
 * browser allows to one server. Returns whether the stream is open.
 */
export function useInboxStream(enabled: boolean): boolean {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    let stream: EventSource | undefined;
    const close = () => {
      stream?.close();
      stream = undefined;
      setOpen(false);
    };
    const subscribe = () => {
      close();
      if (document.hidden || !enabled) return;
      stream = new EventSource("/v1/notifications/live");
      // The stream does not repeat changes from before it was open.
      stream.onopen = () => {
        setOpen(true);
        notifyInboxChanged();
      };
      stream.onerror = () => setOpen(false);
      stream.addEventListener("inbox", notifyInboxChanged);
    };
    subscribe();
    document.addEventListener("visibilitychange", subscribe);
    return () => {
      document.removeEventListener("visibilitychange", subscribe);
      close();
    };
  }, [enabled]);
  return open;
}
