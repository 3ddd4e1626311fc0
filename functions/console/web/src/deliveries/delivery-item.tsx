/** One delivery in a list, with its attempts and a button to redeliver it. */

import { useState } from "preact/hooks";
import { send } from "../api/client";
import type { Attempt, Delivery } from "../api/types";
import { useSession } from "../app/session";
import { Icon } from "../components/icons";
import { StateMark } from "../components/marks";
import { Failure } from "../components/states";
import { plural, visible } from "../format/text";
import { ago, clock, day, stamp, took } from "../format/time";
import { useAction } from "../hooks/use-action";
import { eventTime, suppressionText } from "./delivery-text";
import "./delivery-item.css";

interface Properties {
  delivery: Delivery;
  now: number;
  changed: () => void;
  /** Whether to name the rule and the event, which the page of an event shows anyway. */
  detailed?: boolean;
  /** The suppression that is already stated above the list. */
  stated?: string;
}

export function DeliveryItem({ delivery, now, changed, detailed = false, stated }: Properties) {
  const { admin } = useSession();
  const [open, setOpen] = useState(false);
  const action = useAction();
  const redeliver = () =>
    action.run(async () => {
      await send("POST", `/v1/deliveries/${encodeURIComponent(delivery.id)}/redeliver`);
      changed();
    });
  const at = eventTime(delivery.event);
  const attempts = delivery.attempts.length;
  return (
    <li class="delivery">
      <div class={detailed ? "delivery-head detailed" : "delivery-head"}>
        <StateMark state={delivery.state} />
        {detailed && (
          <a href={`/events/${delivery.event}`} class="number" title="The event">
            <span class="dim">{day(at)}</span> {clock(at)}
          </a>
        )}
        <span class="delivery-route">
          <bdi>{visible(delivery.recipient)}</bdi> <span class="dim">via</span> <bdi>{visible(delivery.transport)}</bdi>
          {detailed && (
            <>
              {" "}
              <span class="dim">for</span> <bdi>{visible(delivery.rule)}</bdi>
            </>
          )}
        </span>
        <Outcome delivery={delivery} now={now} stated={stated} />
        <span class="delivery-actions">
          {attempts > 0 && (
            <button type="button" class="plain small" aria-expanded={open} onClick={() => setOpen(!open)}>
              {plural(attempts, "attempt")}
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

/** The column titles of a detailed list. Hidden from screen readers, because the items name their parts themselves. */
export function DeliveryHeader() {
  return (
    <li class="delivery-head detailed titles" aria-hidden="true">
      <span>State</span>
      <span>Event</span>
      <span>Recipient, transport, rule</span>
      <span>Outcome</span>
    </li>
  );
}

/** Why the delivery has its state. Empty if the state says everything. */
function Outcome({ delivery, now, stated }: { delivery: Delivery; now: number; stated?: string }) {
  const { suppressed, attempts, state, next_at: next, digest } = delivery;
  const last = attempts.at(-1);
  if (suppressed) {
    const text = suppressionText(suppressed);
    if (text === stated) return null;
    const carrier = suppressed.delivery?.split("_")[0];
    return (
      <span class="delivery-outcome dim within">
        {text} {carrier && <a href={`/events/${carrier}`}>see the digest</a>}
      </span>
    );
  }
  const words =
    digest && state === "retrying" && !last
      ? `collecting a digest, to be sent ${ago(digest.closes, now)}`
      : state === "retrying" && next
        ? `${last?.error ? `${visible(last.error)}; ` : ""}next attempt ${ago(next, now)}`
        : last
          ? last.error
            ? visible(last.error)
            : `${ago(last.at, now)}${digest ? ", as a digest" : ""}`
          : "no attempt yet";
  return <span class="delivery-outcome dim">{words}</span>;
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
