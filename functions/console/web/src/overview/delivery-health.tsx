/** The health of the deliveries in a time range: their states, in total and by transport, and why they failed. */

import { useMemo } from "preact/hooks";
import { read, serverNow } from "../api/client";
import type { DeliveryState, DeliverySummary, List, Transport, TransportSummary } from "../api/types";
import { StateMark } from "../components/marks";
import { Panel } from "../components/panel";
import { Empty, Failure, Waiting } from "../components/states";
import { RANGE_NAMES, type Range, timeRange } from "../events/filters";
import { count, percent, plural, visible } from "../format/text";
import { stamp } from "../format/time";
import { useLoad } from "../hooks/use-load";
import "./delivery-health.css";

const STATES: DeliveryState[] = ["delivered", "pending", "retrying", "dead", "suppressed"];

type Counts = Record<DeliveryState, number>;

export function DeliveryHealth({ range }: { range: Range }) {
  const summary = useLoad(
    `health ${range}`,
    async (signal) => {
      const since = new Date(timeRange({ range }, serverNow()).since!).toISOString();
      return { since, ...(await read<DeliverySummary>("/v1/deliveries/summary", { since }, signal)) };
    },
    60_000,
  );
  const transports = useLoad("transports", (signal) => read<List<Transport>>("/v1/transports", {}, signal), 30_000);
  const all = useMemo(() => bySeverity(summary.data?.transports ?? []), [summary.data]);
  if (summary.problem && !summary.data) return <Failure problem={summary.problem} retry={summary.reload} />;
  if (!summary.data) return <Waiting />;
  const { counted, causes, since } = summary.data;
  const total = sum(all);
  const unavailable = (transports.data?.results ?? []).filter(({ state }) => state && state !== "ready");
  const closed = total.delivered + total.dead;
  const isPartial = Date.parse(counted.from) > Date.parse(since);
  return (
    <Panel title="Deliveries">
      {!counted.deliveries ? (
        <Empty title="No deliveries in this time range">
          <a href="/rules">See the rules</a>
        </Empty>
      ) : (
        <>
          <p>
            {closed > 0 && (
              <>
                <b>{percent(total.delivered, closed)}</b> of {count(closed)} completed deliveries succeeded.{" "}
              </>
            )}
            <span class="dim">
              {plural(counted.deliveries, "delivery", "deliveries")},{" "}
              {isPartial
                ? `the newest ones only, counted back to ${stamp(counted.from)}`
                : RANGE_NAMES[range].toLowerCase()}
              .
            </span>
          </p>
          <ul class="health">
            {STATES.filter((state) => total[state] || state !== "suppressed").map((state) => (
              <li key={state}>
                <a href={`/deliveries?state=${state}`}>
                  <StateMark state={state} quiet={!total[state]} />
                </a>
                <b class={total[state] ? "number" : "number dim"}>{count(total[state])}</b>
              </li>
            ))}
          </ul>
          <h3>By transport</h3>
          <ul class="by-transport">
            {all.map((counts) => (
              <li key={counts.transport}>
                <a href={`/deliveries?transport=${encodeURIComponent(counts.transport)}`}>
                  <bdi>{visible(counts.transport)}</bdi>
                </a>
                <StateBar counts={counts} />
                <span class="small">{stateText(counts)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {unavailable.map(({ name, state, why }) => (
        <p key={name} class="notice-line">
          <a href="/transports">{visible(name)}</a> is {state}: {visible(why ?? "unknown reason")}
        </p>
      ))}
      {causes.length > 0 && (
        <>
          <h3>Causes of dead deliveries</h3>
          <ul class="causes">
            {causes.slice(0, 6).map(({ transport, why, count: number }) => (
              <li key={`${transport}: ${why}`}>
                <bdi>{visible(`${transport}: ${why || "unknown"}`.slice(0, 200))}</bdi>{" "}
                <b class="number">{count(number)}</b>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** Transports with failures come first. */
function bySeverity(transports: TransportSummary[]): TransportSummary[] {
  return [...transports].sort(
    (a, b) => b.dead - a.dead || b.failing - a.failing || a.transport.localeCompare(b.transport),
  );
}

function sum(transports: TransportSummary[]): Counts {
  const of = (state: DeliveryState) => transports.reduce((all, one) => all + one[state], 0);
  return Object.fromEntries(STATES.map((state) => [state, of(state)])) as Counts;
}

/** The states as a bar. The text next to it says the same. */
function StateBar({ counts }: { counts: Counts }) {
  const all = STATES.reduce((all, state) => all + counts[state], 0);
  let from = 0;
  return (
    <svg class="state-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      {STATES.map((state) => {
        const width = (100 * counts[state]) / all;
        const x = from;
        from += width;
        return width ? <rect key={state} class={state} x={x} width={width} height="1" /> : null;
      })}
    </svg>
  );
}

function stateText(counts: Counts): string {
  return STATES.filter((state) => counts[state])
    .map((state) => `${count(counts[state])} ${state}`)
    .join(", ");
}
