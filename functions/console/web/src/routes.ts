/** Which address shows which page, and how one gets from one to the other without loading anew. */

import { useEffect, useState } from "preact/hooks";

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

export interface Place {
  page: PageName | undefined;
  /** What comes after the page's name: an event's pk. */
  id?: string;
  query: URLSearchParams;
}

/** `/` is the list of events. */
export function placeOf(path: string, search: string): Place {
  const [first = "", id, ...rest] = path.split("/").filter(Boolean);
  const query = new URLSearchParams(search);
  if (!first) return { page: "events", query };
  const known = Object.hasOwn(PAGES, first) && rest.length === 0 && (!id || first === "events");
  return { page: known ? (first as PageName) : undefined, id: id ? decoded(id) : undefined, query };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

export function go(href: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", href);
  else history.replaceState(null, "", href);
  tell();
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.pathname, location.search));
  useEffect(() => {
    const look = () => setPlace(placeOf(location.pathname, location.search));
    listeners.add(look);
    addEventListener("popstate", look);
    return () => {
      listeners.delete(look);
      removeEventListener("popstate", look);
    };
  }, []);
  return place;
}

/** Lets plain links to pages work without loading anew; modified clicks and other links stay the browser's. */
export function followLinks(click: MouseEvent): void {
  if (click.defaultPrevented || click.button || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
  const link = (click.target as Element).closest?.("a");
  if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (!placeOf(link.pathname, link.search).page) return;
  click.preventDefault();
  go(link.pathname + link.search + link.hash);
  scrollTo(0, 0);
}
