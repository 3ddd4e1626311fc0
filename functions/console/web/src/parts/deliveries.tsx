/** Deliveries as a list, each with its attempts and, when it is dead, the way to send it again. */

import { useState } from "preact/hooks";
import { send } from "../api";
import { useAction } from "../hooks";
import { useSession } from "../session";
import { plural, visible } from "../text";
import { ago, stamp, took } from "../time";
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
}

export function DeliveryItem({ delivery, now, changed, alone = false }: Properties) {
  const { admin } = useSession();
  const [open, setOpen] = useState(false);
  const action = useAction();
  const last = delivery.attempts.at(-1);
  const redeliver = () =>
    action.run(async () => {
      await send("POST", `/v1/deliveries/${encodeURIComponent(delivery.id)}/redeliver`);
      changed();
    });
  return (
    <li class="delivery">
      <div class="delivery-head">
        <StateMark state={delivery.state} />
        <span class="delivery-way">
          <bdi>{visible(delivery.recipient)}</bdi> <span class="dim">by</span> <bdi>{visible(delivery.transport)}</bdi>
          {alone && (
            <>
              {" "}
              <span class="dim">for</span> <bdi>{visible(delivery.rule)}</bdi>
            </>
          )}
        </span>
        <span class="delivery-last dim">
          {delivery.suppressed ? visible(delivery.suppressed.why) : last ? <LastWord attempt={last} delivery={delivery} now={now} /> : "no attempt yet"}
        </span>
        {alone && (
          <a href={`/events/${delivery.event}`} class="small">
            Event
          </a>
        )}
        {delivery.attempts.length > 0 && (
          <button type="button" class="plain small" aria-expanded={open} onClick={() => setOpen(!open)}>
            {plural(delivery.attempts.length, "attempt")}
          </button>
        )}
        {(delivery.state === "dead" || delivery.state === "suppressed") && admin && (
          <button type="button" class="small" disabled={action.busy} onClick={redeliver}>
            <Icon name="again" /> Redeliver
          </button>
        )}
      </div>
      {action.problem && <Failure problem={action.problem} />}
      {open && <Attempts attempts={delivery.attempts} />}
    </li>
  );
}

function LastWord({ attempt, delivery, now }: { attempt: Attempt; delivery: Delivery; now: number }) {
  if (delivery.state === "retrying" && delivery.next_at) return <>{visible(attempt.error ?? "")}; again {ago(delivery.next_at, now)}</>;
  if (attempt.error) return <>{visible(attempt.error)}</>;
  return <>{ago(attempt.at, now)}</>;
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
