/** The silences, and the form to create one. A silence suppresses notifications for a time. */

import { useState } from "preact/hooks";
import { read, send } from "../api/client";
import type { List, Silence } from "../api/types";
import { useSession } from "../app/session";
import { Empty, Failure, Waiting } from "../components/states";
import { visible } from "../format/text";
import { ago, stamp } from "../format/time";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { useTitle } from "../hooks/use-title";
import { matcherText } from "../rules/policy-text";
import { SilenceForm } from "./silence-form";

export function SilencesPage({ query }: { query: URLSearchParams }) {
  useTitle("Silences");
  const { admin } = useSession();
  const now = useNow(10_000);
  const rule = query.get("rule") ?? undefined;
  const [formOpen, setFormOpen] = useState(rule !== undefined);
  const [all, setAll] = useState(false);
  const list = useLoad("silences", (signal) => read<List<Silence>>("/v1/silences", { limit: 500 }, signal), 10_000);
  const shown = (list.data?.results ?? []).filter((silence) => all || silence.state !== "expired");
  return (
    <div class="page narrow">
      <div class="page-head">
        <h1>Silences</h1>
        <div class="segments" role="group" aria-label="Which silences">
          <button type="button" aria-pressed={!all} onClick={() => setAll(false)}>
            Active
          </button>
          <button type="button" aria-pressed={all} onClick={() => setAll(true)}>
            All
          </button>
        </div>
        {admin && (
          <button type="button" class="primary" aria-expanded={formOpen} onClick={() => setFormOpen(!formOpen)}>
            New silence
          </button>
        )}
      </div>
      {formOpen && (
        <SilenceForm
          rule={rule}
          done={() => {
            setFormOpen(false);
            list.reload();
          }}
        />
      )}
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {!list.data && !list.problem && <Waiting />}
      <ul class="card-list">
        {shown.map((silence) => (
          <SilenceItem key={silence.id} silence={silence} now={now} changed={list.reload} />
        ))}
      </ul>
      {list.data && !shown.length && !formOpen && (
        <Empty title={all ? "No silences yet" : "No active silences"}>
          <p>
            A silence suppresses notifications for a time: those of some rules, or for some events. Suppressed
            deliveries stay listed under Deliveries and can be sent later.
          </p>
        </Empty>
      )}
    </div>
  );
}

function SilenceItem({ silence, now, changed }: { silence: Silence; now: number; changed: () => void }) {
  const { admin } = useSession();
  const action = useAction();
  const end = () =>
    action.run(async () => {
      await send("DELETE", `/v1/silences/${encodeURIComponent(silence.id)}`);
      changed();
    });
  return (
    <li class={silence.state === "expired" ? "panel off" : "panel"}>
      <div class="panel-head">
        <h2>
          <bdi>{visible(silence.reason)}</bdi>
        </h2>
        <span class="dim">
          {silence.state === "active"
            ? `active, ends ${ago(silence.ends, now)}`
            : silence.state === "pending"
              ? `begins ${ago(silence.starts, now)}`
              : "expired"}
        </span>
        {admin && silence.state !== "expired" && silence.source === "api" && (
          <button type="button" disabled={action.busy} onClick={end}>
            End now
          </button>
        )}
      </div>
      <p>
        Suppresses notifications of <b>{silence.rules.length ? visible(silence.rules.join(", ")) : "every rule"}</b>
        {silence.event_matcher && <> for events whose {matcherText(silence.event_matcher)}</>}
      </p>
      <p class="dim">
        {stamp(silence.starts)} to {stamp(silence.ends)}, by {visible(silence.by)}
        {silence.source === "file" && ", in the rules document"}
      </p>
      {action.problem && <Failure problem={action.problem} />}
    </li>
  );
}
