/** Events as a file, fetched in the parts that the API gives them in. */

import { request } from "./api";
import { type Filters, toQuery } from "./filters";

export type Format = "csv" | "ndjson";

/** What a browser is asked to hold before it is a file; beyond that, `nuncio export` writes straight to disk. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Saves what the filters admit, telling the bytes so far; false where more was found than a browser should hold. */
export async function download(filters: Filters, format: Format, progress: (bytes: number) => void): Promise<boolean> {
  const asked = { ...toQuery(filters, Date.now()), format };
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
  // After the browser has taken it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
