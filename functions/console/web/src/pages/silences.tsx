/** What is kept back for a time, by whom and why; and keeping something back. */

import { useState } from "preact/hooks";
import { read, send } from "../api";
import { useAction, useLoad, useNow, useTitle } from "../hooks";
import { SilenceForm } from "../parts/silence-form";
import { Empty, Failure, Waiting } from "../parts/states";
import { matcherWords } from "../policy-words";
import { useSession } from "../session";
import { visible } from "../text";
import { ago, stamp } from "../time";
import type { List, Silence } from "../types";

export function SilencesPage({ query }: { query: URLSearchParams }) {
  useTitle("Silences");
  const { admin } = useSession();
  const now = useNow(10_000);
  const rule = query.get("rule") ?? undefined;
  const [making, setMaking] = useState(rule !== undefined);
  const [ended, setEnded] = useState(false);
  const list = useLoad("silences", (signal) => read<List<Silence>>("/v1/silences", { limit: 500 }, signal), 10_000);
  const shown = (list.data?.results ?? []).filter((silence) => ended || silence.state !== "expired");
  return (
    <div class="page narrow">
      <div class="page-head">
        <h1>Silences</h1>
        <div class="segments" role="group" aria-label="Which silences">
          <button type="button" aria-pressed={!ended} onClick={() => setEnded(false)}>
            In force
          </button>
          <button type="button" aria-pressed={ended} onClick={() => setEnded(true)}>
            All
          </button>
        </div>
        {admin && (
          <button type="button" class="primary" aria-expanded={making} onClick={() => setMaking(!making)}>
            New silence
          </button>
        )}
      </div>
      {making && (
        <SilenceForm
          rule={rule}
          done={() => {
            setMaking(false);
            list.reload();
          }}
        />
      )}
      {list.problem && !list.data && <Failure problem={list.problem} retry={list.reload} />}
      {!list.data && !list.problem && <Waiting />}
      <ul class="transports">
        {shown.map((silence) => (
          <Item key={silence.id} silence={silence} now={now} changed={list.reload} />
        ))}
      </ul>
      {list.data && !shown.length && !making && (
        <Empty title={ended ? "Nothing was ever silenced" : "Nothing is silenced"}>
          <p>A silence keeps back notifications for a time: of some rules, or for some events. What it keeps back stays listed under deliveries and can be sent later.</p>
        </Empty>
      )}
    </div>
  );
}

function Item({ silence, now, changed }: { silence: Silence; now: number; changed: () => void }) {
  const { admin } = useSession();
  const action = useAction();
  const end = () =>
    action.run(async () => {
      await send("DELETE", `/v1/silences/${encodeURIComponent(silence.id)}`);
      changed();
    });
  return (
    <li class={silence.state === "expired" ? "panel off" : "panel"}>
      <div class="transport-head">
        <h2>
          <bdi>{visible(silence.reason)}</bdi>
        </h2>
        <span class="dim">
          {silence.state === "active" ? `in force, ends ${ago(silence.ends, now)}` : silence.state === "pending" ? `begins ${ago(silence.starts, now)}` : "has ended"}
        </span>
        {admin && silence.state !== "expired" && silence.source === "api" && (
          <button type="button" disabled={action.busy} onClick={end}>
            End it now
          </button>
        )}
      </div>
      <p>
        Keeps back what <b>{silence.rules.length ? visible(silence.rules.join(", ")) : "every rule"}</b> would tell
        {silence.event_matcher && <> of events whose {matcherWords(silence.event_matcher)}</>}
      </p>
      <p class="dim">
        {stamp(silence.starts)} to {stamp(silence.ends)}, by {visible(silence.by)}
        {silence.source === "file" && ", in the rules document"}
      </p>
      {action.problem && <Failure problem={action.problem} />}
    </li>
  );
}
