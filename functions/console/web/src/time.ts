/** Times as the reader's clock shows them. The server's are UTC. */

const pad = (number: number, digits = 2) => String(number).padStart(digits, "0");

export function day(at: Date): string {
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

export function clock(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** `2026-01-31 09:05:07` */
export function stamp(text: string | Date): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? String(text) : `${day(at)} ${clock(at)}`;
}

const STEPS: [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** `3 min ago`, `in 2 h`, `now`. */
export function ago(text: string | Date, now: number): string {
  const ms = now - new Date(text).getTime();
  const [size, unit] = STEPS.find(([size]) => Math.abs(ms) >= size) ?? [0, ""];
  if (!size) return "now";
  const amount = `${Math.floor(Math.abs(ms) / size)} ${unit}`;
  return ms < 0 ? `in ${amount}` : `${amount} ago`;
}

/** `850 ms`, `1.2 s` */
export function took(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export type BucketSize = "1h" | "6h" | "1d";
export const BUCKET_MS: Record<BucketSize, number> = { "1h": 3_600_000, "6h": 21_600_000, "1d": 86_400_000 };

/** The whole buckets that a span lies in, counted from the epoch as the server does. */
export function whole(since: number, until: number, size: BucketSize): { since: number; until: number } {
  const ms = BUCKET_MS[size];
  return { since: Math.floor(since / ms) * ms, until: Math.ceil(until / ms) * ms };
}

/** The finest bucket that gives at most `most` bars over so long. */
export function bucketFor(ms: number, most = 130): BucketSize {
  return (["1h", "6h"] as const).find((size) => ms / BUCKET_MS[size] <= most) ?? "1d";
}

/** `PT1H30M` in words; what is no such length as it is. */
export function lasting(iso: string): string {
  const [, ...parts] = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(iso) ?? [];
  const named = parts.flatMap((part, at) => (part ? [`${part} ${["h", "min", "s"][at]}`] : []));
  return named.join(" ") || iso;
}
