/** The transports, their states, and a button to test each. */

import { useState } from "preact/hooks";
import { read, send, serverNow } from "../api/client";
import type { DeliverySummary, List, Rule, Transport, TransportTest } from "../api/types";
import { useSession } from "../app/session";
import { Icon } from "../components/icons";
import { Failure, Waiting } from "../components/states";
import { visible } from "../format/text";
import { stamp } from "../format/time";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { useTitle } from "../hooks/use-title";
import { type TransportHealth, TransportHealthText } from "./transport-health";
import "./transports-page.css";

const MODES: Record<string, string> = {
  local: "Inbox",
  email: "Email",
  webhook: "Webhook",
  webhook_slack: "Webhook (Slack format)",
};

export function TransportsPage() {
  useTitle("Transports");
  const { admin } = useSession();
  const list = useLoad("transports", (signal) => read<List<Transport>>("/v1/transports", {}, signal), 10_000);
  const rules = useLoad("rules", (signal) => read<List<Rule>>("/v1/rules", {}, signal));
  const summary = (hours: number) => async (signal: AbortSignal) => {
    const since = new Date(serverNow() - hours * 3_600_000).toISOString();
    return { since, ...(await read<DeliverySummary>("/v1/deliveries/summary", { since }, signal)) };
  };
  const hour = useLoad("health of the hour", summary(1), 60_000);
  const day = useLoad("health of the day", summary(24), 60_000);
  const health = (name: string): TransportHealth | undefined => {
    if (!day.data || !hour.data) return undefined;
    const find = ({ transports }: DeliverySummary) => transports.find(({ transport }) => transport === name);
    const { since, counted } = day.data;
    const isPartial = Date.parse(counted.from) > Date.parse(since);
    return { hour: find(hour.data), day: find(day.data), countedFrom: isPartial ? counted.from : undefined };
  };
  const usedBy = (name: string) =>
    rules.data?.results.filter((rule) => rule.transports.includes(name)).map((rule) => rule.name);
  return (
    <div class="page narrow">
      <div class="page-head">
        <h1>Transports</h1>
        <a href="/rules?view=document&find=transports">Edit in the rules document</a>
      </div>
      <p class="dim">
        Transports deliver notifications.{" "}
        {admin
          ? "A test sends you a real notification, independent of all rules, and shows the response."
          : "Sending a test requires a token of scope admin."}
      </p>
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {list.loading && !list.data && <Waiting />}
      <ul class="card-list">
        {(list.data?.results ?? []).map((transport) => (
          <TransportItem
            key={transport.name}
            transport={transport}
            usedBy={usedBy(transport.name)}
            health={health(transport.name)}
            changed={list.reload}
          />
        ))}
      </ul>
    </div>
  );
}

function TransportItem({
  transport,
  usedBy,
  health,
  changed,
}: {
  transport: Transport;
  usedBy?: string[];
  health?: TransportHealth;
  changed: () => void;
}) {
  const { admin } = useSession();
  const action = useAction();
  const [result, setResult] = useState<TransportTest>();
  const name = encodeURIComponent(transport.name);
  const test = () => {
    setResult(undefined);
    return action.run(async () => setResult(await send<TransportTest>("POST", `/v1/transports/${name}/test`)));
  };
  const enable = () =>
    action.run(async () => {
      await send("POST", `/v1/transports/${name}/enable`);
      changed();
    });
  return (
    <li class="panel transport">
      <div class="panel-head">
        <h2>
          <bdi>{visible(transport.name)}</bdi>
        </h2>
        <span class="dim">
          {MODES[transport.mode ?? ""] ?? transport.mode}
          {transport.send_once && ", first recipient only"}
        </span>
        {admin && (
          <button type="button" disabled={action.busy} onClick={test}>
            {action.busy ? "Sending…" : "Send test"}
          </button>
        )}
      </div>
      {transport.state && transport.state !== "ready" && (
        <div class="failure">
          <p>
            {transport.state === "disabled" ? "Disabled" : "Paused"}
            {transport.since && <> since {stamp(transport.since)}</>}
            {transport.until && <>, until {stamp(transport.until)}</>}
            {transport.why && <>: {visible(transport.why)}</>}
          </p>
          {admin && (
            <button type="button" disabled={action.busy} onClick={enable}>
              Enable
            </button>
          )}
        </div>
      )}
      {health && <TransportHealthText health={health} />}
      <div role="status">{result && <TestResult result={result} />}</div>
      {action.problem && <Failure problem={action.problem} />}
      <p class="small within transport-foot">
        {usedBy && (
          <span class="dim">{usedBy.length ? `Used by ${visible(usedBy.join(", "))}` : "Not used by any rule"} · </span>
        )}
        <a href={`/deliveries?transport=${name}`}>Deliveries</a>
      </p>
    </li>
  );
}

function TestResult({ result }: { result: TransportTest }) {
  return (
    <div class="test-result">
      <p class={`mark ${result.delivered ? "delivered" : "dead"}`}>
        <Icon name={result.delivered ? "check" : "skull"} />
        {result.delivered ? "Delivered" : `Failed: ${visible(result.error ?? "unknown reason")}`}
        {result.delivered && result.status !== null && <span class="dim"> with status {result.status}</span>}
      </p>
      {result.answer && <pre tabIndex={0}>{visible(result.answer)}</pre>}
    </div>
  );
}
