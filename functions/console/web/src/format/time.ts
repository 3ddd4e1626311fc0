/** Formats times in the browser's time zone. The server's times are UTC. */

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

/** Like {@link ago} for a time that has passed: never in the future, even if the clocks differ by a little. */
export function since(text: string | Date, now: number): string {
  return ago(text, Math.max(now, new Date(text).getTime()));
}

/** `850 ms`, `1.2 s` */
export function took(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export type BucketSize = "1m" | "5m" | "1h" | "6h" | "1d";
export const BUCKET_MS: Record<BucketSize, number> = {
  "1m": 60_000,
  "5m": 300_000,
  "1h": 3_600_000,
  "6h": 21_600_000,
  "1d": 86_400_000,
};

/** The smallest bucket with which a time range of `ms` milliseconds has at most 130 bars. */
export function bucketFor(ms: number): BucketSize {
  return (["1m", "5m", "1h", "6h"] as const).find((size) => ms / BUCKET_MS[size] <= 130) ?? "1d";
}

/** The time range extended to whole buckets, which are counted from the epoch. */
export function whole(since: number, until: number, ms: number): { since: number; until: number } {
  return { since: Math.floor(since / ms) * ms, until: Math.ceil(until / ms) * ms };
}

/** An ISO 8601 duration in words: `PT1H30M` becomes `1 h 30 min`. Other texts stay as they are. */
export function lasting(iso: string): string {
  const [, ...parts] = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(iso) ?? [];
  const named = parts.flatMap((part, at) => (part ? [`${part} ${["h", "min", "s"][at]}`] : []));
  return named.join(" ") || iso;
}
