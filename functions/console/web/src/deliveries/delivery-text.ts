/** Deliveries in words: why one was suppressed, and who was notified of an event. */

import type { Delivery, DeliveryState, Suppression, Trace } from "../api/types";
import { plural, visible } from "../format/text";
import { lasting, stamp } from "../format/time";

/** Why the delivery was suppressed, in local time. Causes that this console does not know are shown in the server's words. */
export function suppressionText(cause: Suppression): string {
  const until = stamp(cause.until);
  switch (cause.by) {
    case "digest":
      return digestText(cause, until);
    case "mute":
      return `the rule is muted until ${until}`;
    case "silence":
      return `silenced by ${visible(cause.author ?? "")} until ${until}: ${visible(cause.reason ?? "")}`;
    case "throttle": {
      const key = Object.entries(cause.key ?? {}).map(([field, value]) => `${field} ${value ?? "missing"}`);
      const scope = key.length ? ` for ${visible(key.join(" and "))}` : "";
      return `throttled: at most ${plural(cause.max ?? 0, "event")} in ${lasting(cause.per ?? "")}${scope}; next possible ${until}`;
    }
    default:
      return visible(cause.why);
  }
}

/** What became of the digest that reports the event. */
function digestText({ state, error }: Suppression, until: string): string {
  const why = error ? `: ${visible(error)}` : "";
  switch (state) {
    case "delivered":
      return `included in the digest of ${until}`;
    case "dead":
      return `not delivered: the digest of ${until} failed${why}`;
    case "retrying":
    case "pending":
      return error ? `waiting: the digest of ${until} is tried again${why}` : `waiting for the digest of ${until}`;
    default:
      return `part of the digest of ${until}`;
  }
}

/** The state that the delivery is in for its recipient: that of its digest, if one reports the event. */
function ownState({ state, suppressed }: Delivery): DeliveryState | "digest" {
  if (state !== "suppressed" || suppressed?.by !== "digest") return state;
  return suppressed.state === "delivered" ? "digest" : (suppressed.state ?? "suppressed");
}

/** Who was notified of the event, and what happened to the other deliveries. */
export function traceText(trace: Trace): string {
  const matched = trace.rules.filter((rule) => rule.matched).length;
  const deliveries = trace.rules.flatMap((rule) => rule.deliveries);
  if (!deliveries.length) {
    return matched
      ? `Nobody was notified, although ${plural(matched, "rule")} matched.`
      : "Nobody was notified: no rule matched.";
  }
  const only = (matches: (delivery: Delivery) => boolean) => deliveries.filter(matches);
  const delivered = only(({ state }) => state === "delivered");
  const digested = only((delivery) => ownState(delivery) === "digest");
  // A delivery that collects a digest waits in the state "retrying", as do those that it reports.
  const collects = (delivery: Delivery) => Boolean(delivery.digest) || delivery.suppressed?.by === "digest";
  const groups = [
    [only((delivery) => ownState(delivery) === "dead"), "dead"],
    [only((delivery) => ownState(delivery) === "retrying" && !collects(delivery)), "retrying"],
    [
      only((delivery) => ownState(delivery) === "pending" || (ownState(delivery) === "retrying" && collects(delivery))),
      "pending",
    ],
    [digested, "included in a digest"],
    [only((delivery) => ownState(delivery) === "suppressed"), "suppressed"],
  ] as const;
  const others = groups.filter(([group]) => group.length);
  const [first] = others;
  if (!delivered.length && first?.[0].length === deliveries.length) {
    if (first[0] === digested) return `${recipients(digested)} notified in a digest.`;
    return `Nobody was notified: ${plural(deliveries.length, "delivery", "deliveries")} ${first[1]}.`;
  }
  const head = delivered.length ? `${recipients(delivered)} notified` : "Nobody was notified";
  if (!others.length) return `${head}.`;
  const rest = others.map(([group, state]) => `${group.length} ${state}`).join(", ");
  return `${head}; of ${plural(deliveries.length, "delivery", "deliveries")}, ${rest}.`;
}

/** `ann was`, `ann and bob were`, `ann, bob, cyd and 2 more were`. */
function recipients(deliveries: Delivery[]): string {
  const all = [...new Set(deliveries.map(({ recipient }) => visible(recipient)))].sort();
  const shown = all.length > 3 ? [...all.slice(0, 3), `${all.length - 3} more`] : all;
  const list = shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : shown[0];
  return `${list} ${all.length === 1 ? "was" : "were"}`;
}

/** The time of the event with this pk: a pk begins with the milliseconds since the epoch, in hexadecimal. */
export function eventTime(pk: string): Date {
  return new Date(Number.parseInt(pk.slice(0, 8) + pk.slice(9, 13), 16));
}
