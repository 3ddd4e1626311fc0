/** Counts events over time. */

import { type Query, read, serverNow } from "../api/client";
import type { EventVolume } from "../api/types";
import { BUCKET_MS, type BucketSize } from "../format/time";

export interface Counted {
  volume: EventVolume;
  size: BucketSize;
  /** When they were counted, in milliseconds since the epoch. */
  at: number;
}

/** The counts in the buckets of `size`, or by the hour if there are too many events to read them all. */
export async function countEvents(query: Query, size: BucketSize, signal: AbortSignal): Promise<Counted> {
  const at = serverNow();
  const volume = await read<EventVolume>("/v1/events/volume", { ...query, bucket: size }, signal);
  const from = volume.searched?.from;
  const isPartial = from !== undefined && from !== null && Date.parse(from) > Date.parse(String(query.since));
  // With other filters, the events would be read by the hour, too.
  const isFiltered = Object.entries(query).some(([name, value]) => value && name !== "since" && name !== "until");
  if (!isPartial || isFiltered || BUCKET_MS[size] >= BUCKET_MS["1h"]) return { volume, size, at };
  return countEvents(query, "1h", signal);
}
