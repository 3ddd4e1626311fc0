/** Deliveries as a list, each with its attempts and, when it is dead, the way to send it again. */

import { useState } from "preact/hooks";
import { send } from "../api";
import { happened, keptBack } from "../delivery-words";
import { useAction } from "../hooks";
import { useSession } from "../session";
import { plural, visible } from "../text";
import { ago, clock, day, stamp, took } from "../time";
import type { Attempt, Delivery } from "../types";
import { Icon } from "./icons";
import { StateMark } from "./marks";
import { Failure } from "./states";

interface Properties {
  delivery: Delivery;
  now: number;
  changed: () => void;
  /** Whether rule and event are told too, or stand around it anyway. */
  alone?: boolean;
  /** What stands above it already. */
  known?: string;
}

export function DeliveryItem({ delivery, now, changed, alone = false, known }: Properties) {
  const { admin } = useSession();
  const [open, setOpen] = useState(false);
  const action = useAction();
  const redeliver = () =>
    action.run(async () => {
      await send("POST", `/v1/deliveries/${encodeURIComponent(delivery.id)}/redeliver`);
      changed();
    });
  const at = happened(delivery.event);
  const many = delivery.attempts.length;
  return (
    <li class="delivery">
      <div class={alone ? "delivery-head alone" : "delivery-head"}>
        <StateMark state={delivery.state} />
        {alone && (
          <a href={`/events/${delivery.event}`} class="number" title="The event">
            <span class="dim">{day(at)}</span> {clock(at)}
          </a>
        )}
        <span class="delivery-way">
          <bdi>{visible(delivery.recipient)}</bdi> <span class="dim">by</span> <bdi>{visible(delivery.transport)}</bdi>
          {alone && (
            <>
              {" "}
              <span class="dim">for</span> <bdi>{visible(delivery.rule)}</bdi>
            </>
          )}
        </span>
        <LastWord delivery={delivery} now={now} known={known} />
        <span class="delivery-acts">
          {many > 0 && (
            <button type="button" class="plain small" aria-expanded={open} onClick={() => setOpen(!open)}>
              {plural(many, "attempt")}
            </button>
          )}
          {(delivery.state === "dead" || delivery.state === "suppressed") && admin && (
            <button type="button" class="small" disabled={action.busy} onClick={redeliver}>
              <Icon name="again" /> {delivery.state === "dead" ? "Redeliver" : "Send anyway"}
            </button>
          )}
        </span>
      </div>
      {action.problem && <Failure problem={action.problem} />}
      {open && <Attempts attempts={delivery.attempts} />}
    </li>
  );
}

/** What stands where in a list of deliveries that are told alone; those who listen hear it in each. */
export function DeliveryHeads() {
  return (
    <li class="delivery-head alone heads" aria-hidden="true">
      <span>State</span>
      <span>Event</span>
      <span>Whom, how, by which rule</span>
      <span>Outcome</span>
    </li>
  );
}

/** Why it stands as it does; nothing where its state says it all. */
function LastWord({ delivery, now, known }: { delivery: Delivery; now: number; known?: string }) {
  const { suppressed, attempts, state, next_at: next, digest } = delivery;
  const last = attempts.at(-1);
  if (suppressed) {
    const said = keptBack(suppressed);
    if (said === known) return null;
    const carrier = suppressed.delivery?.split("_")[0];
    return (
      <span class="delivery-last dim within">
        {said} {carrier && <a href={`/events/${carrier}`}>which is with this event</a>}
      </span>
    );
  }
  const words =
    digest && state === "retrying" && !last
      ? `collects a digest, sent ${ago(digest.closes, now)}`
      : state === "retrying" && next
        ? `${last?.error ? `${visible(last.error)}; ` : ""}again ${ago(next, now)}`
        : last
          ? last.error
            ? visible(last.error)
            : `${ago(last.at, now)}${digest ? ", as a digest" : ""}`
          : "no attempt yet";
  return <span class="delivery-last dim">{words}</span>;
}

function Attempts({ attempts }: { attempts: Attempt[] }) {
  return (
    <table class="grid-table attempts">
      <thead>
        <tr>
          <th scope="col">Attempt</th>
          <th scope="col">At</th>
          <th scope="col">Status</th>
          <th scope="col">Took</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt, at) => (
          <tr key={at}>
            <td class="number">{at + 1}</td>
            <td>{stamp(attempt.at)}</td>
            <td class="number">{attempt.status ?? "–"}</td>
            <td class="number">{took(attempt.ms)}</td>
            <td>{attempt.error ? visible(attempt.error) : "delivered"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
