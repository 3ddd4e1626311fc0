/** The end of the event list. Loads older events when it comes into view. */

import { useEffect, useRef } from "preact/hooks";
import { Failure, Waiting } from "../components/states";
import { plural } from "../format/text";
import { stamp } from "../format/time";
import type { EventFeed } from "./event-feed";
import "./list-end.css";

export function ListEnd({ feed }: { feed: EventFeed }) {
  const end = useRef<HTMLDivElement>(null);
  const loadMore = useRef(feed.loadMore);
  loadMore.current = feed.loadMore;
  useEffect(() => {
    if (!end.current) return undefined;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && loadMore.current(),
      { rootMargin: "600px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
    // Observed again after each page: an observer does not report an element that stays in view.
  }, [feed.events.length]);
  return (
    <div ref={end} class="list-end">
      {feed.problem ? (
        <Failure problem={feed.problem} retry={feed.loadMore} />
      ) : feed.complete ? (
        <p class="dim">All {plural(feed.events.length, "event")} shown.</p>
      ) : (
        <Waiting
          what={
            feed.searchedTo && feed.loading
              ? `Loading older events, searched back to ${stamp(feed.searchedTo)}`
              : "Loading older events"
          }
        />
      )}
    </div>
  );
}
