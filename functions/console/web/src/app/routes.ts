/** Maps addresses to pages, and navigates between them without reloading. */

import { useEffect, useState } from "preact/hooks";
import { currentState, leaveFor, wentTo } from "./entries";

export const PAGES = {
  overview: "Overview",
  events: "Events",
  inbox: "Inbox",
  deliveries: "Deliveries",
  rules: "Rules",
  transports: "Transports",
  silences: "Silences",
} as const;

export type PageName = keyof typeof PAGES;

export interface Route {
  page: PageName | undefined;
  /** The part of the path after the page's name: an event's pk. */
  id?: string;
  query: URLSearchParams;
}

/** The route of an address. `/` is the list of events; `page` is `undefined` for an unknown path. */
export function parseRoute(path: string, search: string): Route {
  const [first = "", id, ...rest] = path.split("/").filter(Boolean);
  const query = new URLSearchParams(search);
  if (!first) return { page: "events", query };
  const known = Object.hasOwn(PAGES, first) && rest.length === 0 && (!id || first === "events");
  return { page: known ? (first as PageName) : undefined, id: id ? decode(id) : undefined, query };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const listeners = new Set<() => void>();

/** Shows the page at `href`. "replace" does not add an entry to the browser's history. `link` is the one that was followed. */
export function navigate(href: string, how: "push" | "replace" = "push", link?: HTMLAnchorElement): void {
  if (how === "push") history.pushState(leaveFor(link), "", href);
  else history.replaceState(currentState(), "", href);
  for (const listener of listeners) listener();
}

/** The current route. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.pathname, location.search));
  useEffect(() => {
    const update = () => setRoute(parseRoute(location.pathname, location.search));
    const wentBack = (event: PopStateEvent) => {
      wentTo(event.state);
      update();
    };
    listeners.add(update);
    addEventListener("popstate", wentBack);
    return () => {
      listeners.delete(update);
      removeEventListener("popstate", wentBack);
    };
  }, []);
  return route;
}

/** Handles clicks on plain links to pages without reloading. Leaves modified clicks and other links to the browser. */
export function followLinks(click: MouseEvent): void {
  if (click.defaultPrevented || click.button || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey)
    return;
  const link = (click.target as Element).closest?.("a");
  if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (!parseRoute(link.pathname, link.search).page) return;
  click.preventDefault();
  navigate(link.pathname + link.search + link.hash, "push", link);
  scrollTo(0, 0);
}
