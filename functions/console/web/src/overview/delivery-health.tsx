/** The health of the deliveries in a time range: their states, in total and by transport, and why they failed. */

import { useMemo } from "preact/hooks";
import { read } from "../api/client";
import type { Delivery, DeliveryState, List, Transport } from "../api/types";
import { StateMark } from "../components/marks";
import { Panel } from "../components/panel";
import { Empty, Failure, Waiting } from "../components/states";
import { RANGE_NAMES, type Range } from "../events/filters";
import { count, plural, visible } from "../format/text";
import { useLoad } from "../hooks/use-load";
import "./delivery-health.css";

/** The most deliveries counted, newest first: more would be slow to load repeatedly. */
const MAX_DELIVERIES = 1000;
const STATES: DeliveryState[] = ["delivered", "pending", "retrying", "dead", "suppressed"];

export function DeliveryHealth({ range, since }: { range: Range; since: string }) {
  const list = useLoad(
    `health ${range}`,
    (signal) => read<List<Delivery>>("/v1/deliveries", { since, limit: MAX_DELIVERIES }, signal),
    30_000,
  );
  const transports = useLoad("transports", (signal) => read<List<Transport>>("/v1/transports", {}, signal), 30_000);
  const found = useMemo(() => countStates(list.data?.results ?? []), [list.data]);
  if (list.problem && !list.data) return <Failure problem={list.problem} retry={list.reload} />;
  if (!list.data) return <Waiting />;
  const unavailable = (transports.data?.results ?? []).filter(({ state }) => state && state !== "ready");
  const closed = found.total.delivered + found.total.dead;
  return (
    <Panel title="Deliveries">
      {!list.data.results.length ? (
        <Empty title="No deliveries in this time range">
          <a href="/rules">See the rules</a>
        </Empty>
      ) : (
        <>
          <p>
            {closed > 0 && (
              <>
                <b>{share(found.total.delivered, closed)}</b> of {count(closed)} completed deliveries succeeded.{" "}
              </>
            )}
            <span class="dim">
              {list.data.next
                ? `The newest ${plural(MAX_DELIVERIES, "delivery", "deliveries")}`
                : plural(list.data.results.length, "delivery", "deliveries")}
              , {RANGE_NAMES[range].toLowerCase()}.
            </span>
          </p>
          <ul class="health">
            {STATES.filter((state) => found.total[state] || state !== "suppressed").map((state) => (
              <li key={state}>
                <a href={`/deliveries?state=${state}`}>
                  <StateMark state={state} quiet={!found.total[state]} />
                </a>
                <b class={found.total[state] ? "number" : "number dim"}>{count(found.total[state])}</b>
              </li>
            ))}
          </ul>
          <h3>By transport</h3>
          <ul class="by-transport">
            {[...found.transports].map(([name, counts]) => (
              <li key={name}>
                <a href={`/deliveries?transport=${encodeURIComponent(name)}`}>
                  <bdi>{visible(name)}</bdi>
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
      {found.causes.size > 0 && (
        <>
          <h3>Causes of dead deliveries</h3>
          <ul class="causes">
            {[...found.causes].slice(0, 6).map(([why, number]) => (
              <li key={why}>
                <bdi>{visible(why.slice(0, 200))}</bdi> <b class="number">{count(number)}</b>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

type Counts = Record<DeliveryState, number>;
const none = (): Counts => ({ delivered: 0, pending: 0, retrying: 0, dead: 0, suppressed: 0 });

function countStates(deliveries: Delivery[]) {
  const total = none();
  const transports = new Map<string, Counts>();
  const causes = new Map<string, number>();
  for (const { state, transport, attempts } of deliveries) {
    total[state] += 1;
    const own = transports.get(transport) ?? none();
    own[state] += 1;
    transports.set(transport, own);
    if (state !== "dead") continue;
    const why = `${transport}: ${attempts.at(-1)?.error ?? "unknown"}`;
    causes.set(why, (causes.get(why) ?? 0) + 1);
  }
  // Transports with failures come first.
  const severity = ({ dead, retrying }: Counts) => dead * 1000 + retrying;
  return {
    total,
    causes,
    transports: new Map([...transports].sort((a, b) => severity(b[1]) - severity(a[1]) || a[0].localeCompare(b[0]))),
  };
}

/** The states as a bar. The text next to it says the same. */
function StateBar({ counts }: { counts: Counts }) {
  const sum = STATES.reduce((all, state) => all + counts[state], 0);
  let from = 0;
  return (
    <svg class="state-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      {STATES.map((state) => {
        const width = (100 * counts[state]) / sum;
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

/** The share in percent. Rounded to 100% only if it is complete. */
function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return `${part < whole ? Math.min(99.9, Number(percent.toFixed(1))) : 100}%`;
}
