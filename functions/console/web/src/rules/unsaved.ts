/** The unsaved text of the rules document. It outlives the editor and a reload, until it is applied or discarded. */

import { useEffect } from "preact/hooks";

const KEY = "nuncio-document";

export interface Unsaved {
  text: string;
  /** The version of the stored document that the text was changed from. */
  version: string;
}

let known: Unsaved | undefined = readStored();

function readStored(): Unsaved | undefined {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Unsaved> | null;
    if (typeof stored?.text === "string" && typeof stored.version === "string")
      return { text: stored.text, version: stored.version };
  } catch {
    // Without storage, the text lasts until the page is closed.
  }
  return undefined;
}

/** The unsaved text of this browser tab; `undefined` if there is none. */
export function unsaved(): Unsaved | undefined {
  return known;
}

/** Keeps the text; `undefined` forgets it. */
export function keepUnsaved(text: Unsaved | undefined): void {
  known = text;
  try {
    if (text) sessionStorage.setItem(KEY, JSON.stringify(text));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Kept in memory all the same.
  }
}

/** While there are unsaved changes, the browser asks before it closes the tab, which would lose them. */
export function useWarningBeforeClose(changed: boolean): void {
  useEffect(() => {
    if (!changed) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [changed]);
}
