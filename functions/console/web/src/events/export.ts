/** Saves events as a file. The API returns them in parts. */

import { request, serverNow } from "../api/client";
import { type Filters, toQuery } from "./filters";

export type Format = "csv" | "ndjson";

/** The most bytes that the browser holds in memory. `nuncio export` has no limit: it writes straight to disk. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Saves the events that match the filters, and reports the bytes so far. Resolves to `false` if the file is incomplete,
 * because there are more events than the browser should hold.
 */
export async function download(filters: Filters, format: Format, progress: (bytes: number) => void): Promise<boolean> {
  const asked = { ...toQuery(filters, serverNow()), format };
  const parts: Blob[] = [];
  let bytes = 0;
  let cursor: string | null = null;
  do {
    const response: Response = await request("/v1/events/export", { query: { ...asked, cursor } });
    const part = await response.blob();
    parts.push(part);
    bytes += part.size;
    cursor = response.headers.get("Nuncio-Next");
    progress(bytes);
  } while (cursor && bytes < MOST_BYTES);
  save(new Blob(parts), `events-${new Date().toISOString().slice(0, 10)}.${format}`);
  return !cursor;
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has started the download by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
