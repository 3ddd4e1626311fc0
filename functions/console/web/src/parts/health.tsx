/** Whether people are reached: what became of the deliveries of a span of time, by transport. */

import { useMemo } from "preact/hooks";
import { read } from "../api";
import { type Range, RANGE_NAMES } from "../filters";
import { useLoad } from "../hooks";
import { count, plural, visible } from "../text";
import type { Delivery, List, State, TransportView } from "../types";
import { StateMark } from "./marks";
import { Panel } from "./panel";
import { Empty, Failure, Waiting } from "./states";

/** The newest of the span; more would be slow to fetch again and again. */
const MOST = 1000;
const STATES: State[] = ["delivered", "pending", "retrying", "dead", "suppressed"];

export function Health({ range, since }: { range: Range; since: string }) {
  const list = useLoad(`health ${range}`, (signal) => read<List<Delivery>>("/v1/deliveries", { since, limit: MOST }, signal), 30_000);
  const transports = useLoad("transports", (signal) => read<List<TransportView>>("/v1/transports", {}, signal), 30_000);
  const found = useMemo(() => tally(list.data?.results ?? []), [list.data]);
  if (list.problem && !list.data) return <Failure problem={list.problem} retry={list.reload} />;
  if (!list.data) return <Waiting />;
  const out = (transports.data?.results ?? []).filter(({ state }) => state && state !== "ready");
  const closed = found.total.delivered + found.total.dead;
  return (
    <Panel title="Deliveries">
      {!list.data.results.length ? (
        <Empty title="Nothing was sent in this span">
          <a href="/rules">See the rules</a>
        </Empty>
      ) : (
        <>
          <p>
            {closed > 0 && (
              <>
                Of {count(closed)} settled ones <b>{share(found.total.delivered, closed)}</b> arrived.{" "}
              </>
            )}
            <span class="dim">
              {list.data.next ? `The newest ${plural(MOST, "delivery", "deliveries")}` : plural(list.data.results.length, "delivery", "deliveries")}, {RANGE_NAMES[range].toLowerCase()}.
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
                <Share counts={counts} />
                <span class="small">{told(counts)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {out.map(({ name, state, why }) => (
        <p key={name} class="notice-line">
          <a href="/transports">{visible(name)}</a> is {state}: {visible(why ?? "the reason is unknown")}
        </p>
      ))}
      {found.causes.size > 0 && (
        <>
          <h3>Why they failed for good</h3>
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

type Counts = Record<State, number>;
const none = (): Counts => ({ delivered: 0, pending: 0, retrying: 0, dead: 0, suppressed: 0 });

function tally(deliveries: Delivery[]) {
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
  // Those that need a look first.
  const bad = ({ dead, retrying }: Counts) => dead * 1000 + retrying;
  return { total, causes, transports: new Map([...transports].sort((a, b) => bad(b[1]) - bad(a[1]) || a[0].localeCompare(b[0]))) };
}

/** As a bar; the words beside it say the same. */
function Share({ counts }: { counts: Counts }) {
  const sum = STATES.reduce((all, state) => all + counts[state], 0);
  let from = 0;
  return (
    <svg class="share-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      {STATES.map((state) => {
        const width = (100 * counts[state]) / sum;
        const x = from;
        from += width;
        return width ? <rect key={state} class={state} x={x} width={width} height="1" /> : null;
      })}
    </svg>
  );
}

function told(counts: Counts): string {
  return STATES.filter((state) => counts[state]).map((state) => `${count(counts[state])} ${state}`).join(", ");
}

/** Never 100% where something is missing. */
function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return `${part < whole ? Math.min(99.9, Number(percent.toFixed(1))) : 100}%`;
}
