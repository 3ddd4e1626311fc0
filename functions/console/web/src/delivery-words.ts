/** Deliveries in words: what kept one back, and the whole of an event's in a sentence. */

import { plural, visible } from "./text";
import { lasting, stamp } from "./time";
import type { Delivery, Suppressed, Trace } from "./types";

/** What kept it back, by the reader's clock; what this console does not know is told as the server tells it. */
export function keptBack(cause: Suppressed): string {
  const until = cause.until === undefined ? "" : stamp(cause.until);
  switch (cause.by) {
    case "digest":
      return `told in the digest of ${until}`;
    case "mute":
      return `the rule is muted until ${until}`;
    case "silence":
      return `silenced by ${visible(cause.author ?? "")} until ${until}: ${visible(cause.reason ?? "")}`;
    case "throttle": {
      const key = Object.entries(cause.key ?? {}).map(([field, value]) => `${field} ${value ?? "missing"}`);
      const whose = key.length ? ` for ${visible(key.join(" and "))}` : "";
      return `throttled: at most ${plural(cause.max ?? 0, "event")} in ${lasting(cause.per ?? "")}${whose}; room again ${until}`;
    }
    default:
      return visible(cause.why);
  }
}

/** Who was told, and who was not. */
export function answer(trace: Trace): string {
  const fired = trace.rules.filter((rule) => rule.matched).length;
  const deliveries = trace.rules.flatMap((rule) => rule.deliveries);
  if (!deliveries.length) return fired ? `Nobody was told, though ${plural(fired, "rule")} matched.` : "Nobody was told: no rule matched.";
  const those = (admitted: (delivery: Delivery) => boolean) => deliveries.filter(admitted);
  const told = those(({ state }) => state === "delivered");
  const digested = those(({ suppressed }) => suppressed?.by === "digest");
  const rest = [
    [those(({ state }) => state === "dead"), "failed for good"],
    [those(({ state, digest }) => state === "retrying" && !digest), "to be tried again"],
    [those(({ state, digest }) => state === "pending" || (state === "retrying" && Boolean(digest))), "on the way"],
    [digested, "told in a digest"],
    [those(({ state, suppressed }) => state === "suppressed" && suppressed?.by !== "digest"), "kept back"],
  ] as const;
  const said = rest.filter(([found]) => found.length);
  const [only] = said;
  if (!told.length && only?.[0].length === deliveries.length) {
    if (only[0] === digested) return `${names(digested)} told in a digest.`;
    return `Nobody was told: ${plural(deliveries.length, "delivery", "deliveries")} ${only[1]}.`;
  }
  const first = told.length ? `${names(told)} told` : "Nobody was told";
  return said.length ? `${first}; of ${plural(deliveries.length, "delivery", "deliveries")} ${said.map(([found, how]) => `${found.length} ${how}`).join(", ")}.` : `${first}.`;
}

function names(deliveries: Delivery[]): string {
  const all = [...new Set(deliveries.map(({ recipient }) => visible(recipient)))].sort();
  const shown = all.length > 3 ? [...all.slice(0, 3), `${all.length - 3} more`] : all;
  return `${shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : shown[0]} ${all.length === 1 ? "was" : "were"}`;
}

/** When the event happened, which its pk begins with. */
export function happened(event: string): Date {
  return new Date(Number.parseInt(event.slice(0, 8) + event.slice(9, 13), 16));
}
