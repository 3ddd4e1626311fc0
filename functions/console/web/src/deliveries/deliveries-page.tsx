/** All deliveries, in every state, with filters. */

import { useState } from "preact/hooks";
import { read, send } from "../api/client";
import type { Delivery, DeliveryState, List, Rule, Transport } from "../api/types";
import { useEntryState } from "../app/entries";
import { navigate } from "../app/routes";
import { useSession } from "../app/session";
import { Empty, Failure, Waiting } from "../components/states";
import { plural } from "../format/text";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { useTitle } from "../hooks/use-title";
import { DeliveryHeader, DeliveryItem } from "./delivery-item";

const STATES: DeliveryState[] = ["pending", "retrying", "dead", "delivered", "suppressed"];
const KEYS = ["state", "rule", "transport", "recipient"] as const;
const PAGE = 50;

export function DeliveriesPage({ query }: { query: URLSearchParams }) {
  useTitle("Deliveries");
  const { admin } = useSession();
  const now = useNow(5_000);
  const filters = Object.fromEntries(KEYS.map((key) => [key, query.get(key) ?? ""])) as Record<
    (typeof KEYS)[number],
    string
  >;
  const [shown, setShown] = useEntryState("shown", { query: query.toString(), limit: PAGE });
  const limit = shown.query === query.toString() ? shown.limit : PAGE;
  const list = useLoad(
    `${query}#${limit}`,
    (signal) => read<List<Delivery>>("/v1/deliveries", { ...filters, limit }, signal),
    4_000,
  );
  const rules = useLoad("rules", (signal) => read<List<Rule>>("/v1/rules", {}, signal));
  const transports = useLoad("transports", (signal) => read<List<Transport>>("/v1/transports", {}, signal));
  const set = (key: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value) next.set(key, value);
    else next.delete(key);
    navigate(next.size ? `/deliveries?${next}` : "/deliveries");
  };
  const found = list.data?.results ?? [];
  const dead = filters.state === "dead" || found.some((delivery) => delivery.state === "dead");
  const filtered = KEYS.some((key) => filters[key]);
  return (
    <div class="page">
      <div class="page-head">
        <h1>Deliveries</h1>
        {admin && dead && <RedeliverAll filters={filters} changed={list.reload} />}
      </div>
      <div class="toolbar">
        <label class="inline">
          State
          <select value={filters.state} onChange={(change) => set("state", change.currentTarget.value)}>
            <option value="">any</option>
            {STATES.map((state) => (
              <option key={state}>{state}</option>
            ))}
          </select>
        </label>
        <Select
          name="rule"
          value={filters.rule}
          options={(rules.data?.results ?? []).map((rule) => rule.name)}
          set={set}
        />
        <Select
          name="transport"
          value={filters.transport}
          options={(transports.data?.results ?? []).map((one) => one.name)}
          set={set}
        />
        <label class="inline">
          Recipient
          <input
            value={filters.recipient}
            placeholder="username"
            onChange={(change) => set("recipient", change.currentTarget.value.trim())}
          />
        </label>
      </div>
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {!list.data && !list.problem && <Waiting />}
      {found.length > 0 && (
        <ul class="deliveries panel">
          <DeliveryHeader />
          {found.map((delivery) => (
            <DeliveryItem key={delivery.id} delivery={delivery} now={now} changed={list.reload} detailed />
          ))}
        </ul>
      )}
      {list.data?.next && limit < 1000 && (
        <button type="button" onClick={() => setShown({ query: query.toString(), limit: Math.min(1000, limit + 200) })}>
          Show older deliveries
        </button>
      )}
      {list.data && !found.length && (
        <Empty title={filtered ? "No delivery matches these filters" : "No deliveries yet"}>
          {filtered ? (
            <button type="button" onClick={() => navigate("/deliveries")}>
              Remove the filters
            </button>
          ) : (
            <p>
              Nuncio creates a delivery when a <a href="/rules">rule</a> matches an event. To check a receiver, test its{" "}
              <a href="/transports">transport</a>.
            </p>
          )}
        </Empty>
      )}
    </div>
  );
}

function Select({
  name,
  value,
  options,
  set,
}: {
  name: string;
  value: string;
  options: string[];
  set: (key: string, value: string) => void;
}) {
  const all = value && !options.includes(value) ? [value, ...options] : options;
  return (
    <label class="inline">
      {name === "rule" ? "Rule" : "Transport"}
      <select value={value} onChange={(change) => set(name, change.currentTarget.value)}>
        <option value="">any</option>
        {all.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

/** Redelivers all dead deliveries that match the filters, shown or not. The server redelivers one part per request. */
function RedeliverAll({ filters, changed }: { filters: Record<string, string>; changed: () => void }) {
  const action = useAction();
  const [done, setDone] = useState<number>();
  const run = () =>
    action.run(async () => {
      const { rule, transport, recipient } = filters;
      const set = Object.fromEntries(Object.entries({ rule, transport, recipient }).filter(([, value]) => value));
      let sum = 0;
      let cursor: string | null = null;
      do {
        const part: { redelivered: number; next: string | null } = await send("POST", "/v1/deliveries/redeliver", {
          ...set,
          ...(cursor && { cursor }),
        });
        sum += part.redelivered;
        cursor = part.next;
        setDone(sum);
      } while (cursor);
      changed();
    });
  return (
    <>
      <span class="dim" role="status">
        {done !== undefined && `${plural(done, "delivery", "deliveries")} redelivered`}
      </span>
      <button type="button" disabled={action.busy} onClick={run}>
        Redeliver all dead deliveries{KEYS.slice(1).some((key) => filters[key]) && " that match"}
      </button>
      {action.problem && <Failure problem={action.problem} />}
    </>
  );
}
