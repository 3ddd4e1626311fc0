/** The ways out, and whether they work. */

import { useState } from "preact/hooks";
import { read, send } from "../api";
import { useAction, useLoad, useTitle } from "../hooks";
import { Icon } from "../parts/icons";
import { Failure, Waiting } from "../parts/states";
import { useSession } from "../session";
import { visible } from "../text";
import { stamp } from "../time";
import type { List, RuleView, Tested, TransportView } from "../types";

const MODES: Record<string, string> = {
  local: "Inbox",
  email: "E-mail",
  webhook: "Webhook",
  webhook_slack: "Webhook, Slack format",
};

export function TransportsPage() {
  useTitle("Transports");
  const { admin } = useSession();
  const list = useLoad("transports", (signal) => read<List<TransportView>>("/v1/transports", {}, signal), 10_000);
  const rules = useLoad("rules", (signal) => read<List<RuleView>>("/v1/rules", {}, signal));
  const usedBy = (name: string) => rules.data?.results.filter((rule) => rule.transports.includes(name)).map((rule) => rule.name);
  return (
    <div class="page narrow">
      <div class="page-head">
        <h1>Transports</h1>
        <a href="/rules?view=document&find=transports">Edit in the rules document</a>
      </div>
      <p class="dim">
        The ways notifications leave.{" "}
        {admin ? "A test sends a real one to you, past all rules, and shows what the receiver said." : "To send a test, sign in with a token of scope admin."}
      </p>
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {list.loading && !list.data && <Waiting />}
      <ul class="transports">
        {(list.data?.results ?? []).map((transport) => (
          <Transport key={transport.name} transport={transport} usedBy={usedBy(transport.name)} changed={list.reload} />
        ))}
      </ul>
    </div>
  );
}

function Transport({ transport, usedBy, changed }: { transport: TransportView; usedBy?: string[]; changed: () => void }) {
  const { admin } = useSession();
  const action = useAction();
  const [tested, setTested] = useState<Tested>();
  const name = encodeURIComponent(transport.name);
  const test = () => {
    setTested(undefined);
    return action.run(async () => setTested(await send<Tested>("POST", `/v1/transports/${name}/test`)));
  };
  const enable = () =>
    action.run(async () => {
      await send("POST", `/v1/transports/${name}/enable`);
      changed();
    });
  return (
    <li class="panel transport">
      <div class="transport-head">
        <h2>
          <bdi>{visible(transport.name)}</bdi>
        </h2>
        <span class="dim">
          {MODES[transport.mode ?? ""] ?? transport.mode}
          {transport.send_once && ", first recipient only"}
        </span>
        {admin && (
          <button type="button" disabled={action.busy} onClick={test}>
            {action.busy ? "Sending…" : "Send a test"}
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
              Let deliveries through again
            </button>
          )}
        </div>
      )}
      <div role="status">{tested && <Result tested={tested} />}</div>
      {action.problem && <Failure problem={action.problem} />}
      <p class="small within">
        {usedBy && <span class="dim">{usedBy.length ? `Used by ${visible(usedBy.join(", "))}` : "No rule uses it"} · </span>}
        <a href={`/deliveries?transport=${name}`}>Deliveries</a>
      </p>
    </li>
  );
}

function Result({ tested }: { tested: Tested }) {
  return (
    <div class="tested">
      <p class={`mark ${tested.delivered ? "delivered" : "dead"}`}>
        <Icon name={tested.delivered ? "check" : "skull"} />
        {tested.delivered ? "The receiver took it" : `Not delivered: ${visible(tested.error ?? "the reason is unknown")}`}
        {tested.delivered && tested.status !== null && <span class="dim"> with status {tested.status}</span>}
      </p>
      {tested.answer && <pre tabIndex={0}>{visible(tested.answer)}</pre>}
    </div>
  );
}
