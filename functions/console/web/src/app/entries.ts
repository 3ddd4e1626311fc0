/**
 * What the console remembers of each entry of the browser's history, so that going back restores it: the scroll position,
 * the link that was followed, and what the page has loaded. Lasts until the page is reloaded.
 */

import { useEffect, useState } from "preact/hooks";

interface Entry {
  scroll: number;
  /** The link that led away from the entry: its `href`, and its distance from the top of the window. */
  followed?: { href: string; top: number };
  values: Map<string, unknown>;
}

/** The most entries that are remembered; the oldest are forgotten. */
const MAX_ENTRIES = 30;
/** How long a page may take to become as tall as it was, in milliseconds. */
const MAX_WAIT = 5_000;

const entries = new Map<string, Entry>();
let current = newEntry();

function newEntry(): string {
  const id = Math.random().toString(36).slice(2);
  entries.set(id, { scroll: 0, values: new Map() });
  for (const oldest of entries.keys()) {
    if (entries.size <= MAX_ENTRIES) break;
    entries.delete(oldest);
  }
  return id;
}

function entry(id: string): Entry {
  const known = entries.get(id);
  if (known) return known;
  const fresh: Entry = { scroll: 0, values: new Map() };
  entries.set(id, fresh);
  return fresh;
}

/** Prepares the first entry. Call it once, before the first page is shown. */
export function trackEntries(): void {
  history.scrollRestoration = "manual";
  history.replaceState({ entry: current }, "");
}

/** Remembers the position on the current entry and begins the next one. Returns the next one's state for `pushState`. */
export function leaveFor(link?: HTMLAnchorElement): { entry: string } {
  const href = link?.getAttribute("href");
  const followed = link && href ? { href, top: link.getBoundingClientRect().top } : undefined;
  Object.assign(entry(current), { scroll: scrollY, followed });
  current = newEntry();
  return { entry: current };
}

/** The state of the current entry, for `replaceState`. */
export function currentState(): { entry: string } {
  return { entry: current };
}

/** Notices that the browser went back or forward. */
export function wentTo(state: unknown): void {
  entry(current).scroll = scrollY;
  const id = (state as { entry?: string } | null)?.entry;
  current = id ?? newEntry();
}

/** What was kept under the name on the current entry, and a function that keeps a value there, whatever is shown then. */
export function keeper<T>(name: string): { kept: T | undefined; keep: (value: T) => void } {
  const { values } = entry(current);
  return { kept: values.get(name) as T | undefined, keep: (value) => values.set(name, value) };
}

/** Like `useState`, but the value survives going away and back. */
export function useEntryState<T>(name: string, initial: T): [T, (value: T) => void] {
  const [{ keep, value }, set] = useState(() => {
    const { kept, keep } = keeper<T>(name);
    return { keep, value: kept ?? initial };
  });
  return [
    value,
    (next) => {
      keep(next);
      set({ keep, value: next });
    },
  ];
}

/** Restores the scroll position and the focus of the current entry once the page is tall enough, unless the user acts first. */
export function useRestoredPosition(shown: unknown): void {
  useEffect(() => {
    const { scroll, followed } = entry(current);
    if (!scroll && !followed) return undefined;
    const links = () => [...document.querySelectorAll<HTMLAnchorElement>("main a")];
    const restore = (late: boolean) => {
      const tall = document.documentElement.scrollHeight - innerHeight >= scroll;
      const link = links().find((one) => one.getAttribute("href") === followed?.href);
      if (!late && !(followed ? link : tall)) return;
      stop();
      scrollTo(0, scroll);
      link?.focus({ preventScroll: true });
      // Rows outside the window have an estimated height until they are scrolled to.
      const settle = (times: number) => {
        if (!link || !followed) return;
        scrollBy(0, link.getBoundingClientRect().top - followed.top);
        if (times) requestAnimationFrame(() => settle(times - 1));
      };
      settle(3);
    };
    const observer = new ResizeObserver(() => restore(false));
    const timer = setTimeout(() => restore(true), MAX_WAIT);
    const acts = ["wheel", "touchmove", "keydown", "pointerdown"] as const;
    const stop = () => {
      observer.disconnect();
      clearTimeout(timer);
      for (const act of acts) removeEventListener(act, stop);
    };
    for (const act of acts) addEventListener(act, stop, { passive: true });
    observer.observe(document.body);
    restore(false);
    return stop;
  }, [shown]);
}
