/** The transports, their states, and a button to test each. */

import { useState } from "preact/hooks";
import { read, send } from "../api/client";
import type { List, Rule, Transport, TransportTest } from "../api/types";
import { useSession } from "../app/session";
import { Icon } from "../components/icons";
import { Failure, Waiting } from "../components/states";
import { visible } from "../format/text";
import { stamp } from "../format/time";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { useTitle } from "../hooks/use-title";
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
  changed,
}: {
  transport: Transport;
  usedBy?: string[];
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
      <div role="status">{result && <TestResult result={result} />}</div>
      {action.problem && <Failure problem={action.problem} />}
      <p class="small within">
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
