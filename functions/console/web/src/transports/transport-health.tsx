/** How the deliveries of a transport have fared lately, whatever the reason for a failure. */

import type { TransportSummary } from "../api/types";
import { count, percent, plural, visible } from "../format/text";
import { stamp } from "../format/time";
import "./transport-health.css";

/** The counts of one transport in two time ranges; `undefined` if it had no delivery in the range. */
export interface TransportHealth {
  hour?: TransportSummary;
  day?: TransportSummary;
  /** The time back to which the day was counted, if there were too many deliveries to count all. */
  countedFrom?: string;
}

export function TransportHealthText({ health }: { health: TransportHealth }) {
  const { hour, day, countedFrom } = health;
  if (!day) return <p class="dim">No deliveries in the last 24 hours.</p>;
  const { failed, completed } = outcomes(day);
  const last = day.last_failure;
  const range = countedFrom ? `since ${stamp(countedFrom)}` : "of the last 24 hours";
  return (
    <>
      {failed > 0 && (
        <p class={failed === completed ? "failure" : "notice-line"}>
          {failed === completed
            ? `Failing: ${completed === 1 ? "the only delivery" : `all ${count(completed)} deliveries`} ${range} failed.`
            : `${count(failed)} of ${plural(completed, "delivery", "deliveries")} ${range} failed (${percent(failed, completed)}).`}
          {last && ` Last failure ${stamp(last.at)}: ${visible(last.why.slice(0, 300))}`}
        </p>
      )}
      <dl class="transport-health">
        <Rate name="Last hour" counts={hour} />
        <Rate name={countedFrom ? `Since ${stamp(countedFrom)}` : "Last 24 hours"} counts={day} />
        <div>
          <dt class="dim">Last success</dt>
          <dd>{day.last_success ? stamp(day.last_success) : "none of these deliveries"}</dd>
        </div>
      </dl>
    </>
  );
}

function Rate({ name, counts }: { name: string; counts?: TransportSummary }) {
  const { failed, completed } = counts ? outcomes(counts) : { failed: 0, completed: 0 };
  return (
    <div>
      <dt class="dim">{name}</dt>
      <dd>
        {completed ? (
          <>
            <b class={failed ? "bad" : "good"}>{percent(completed - failed, completed)}</b> of {count(completed)}{" "}
            succeeded
          </>
        ) : (
          "nothing sent"
        )}
      </dd>
    </div>
  );
}

/** How many deliveries have an outcome so far: those that wait after a failed attempt count as failed. */
export function outcomes({ delivered, dead, failing }: TransportSummary): { failed: number; completed: number } {
  return { failed: dead + failing, completed: delivered + dead + failing };
}
