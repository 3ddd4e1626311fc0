/** A new silence, with what it would have kept back lately. */

import { useEffect, useState } from "preact/hooks";
import { read, send } from "../api";
import { ACTIONS } from "../filters";
import { useAction, useLoad } from "../hooks";
import { plural } from "../text";
import type { JsonObject, Kept, List, RuleView } from "../types";
import { Failure } from "./states";

const LENGTHS: [string, number][] = [
  ["1 hour", 1],
  ["4 hours", 4],
  ["1 day", 24],
  ["1 week", 168],
];
const FIELDS = ["action", "app", "client_ip"] as const;

export function SilenceForm({ rule, done }: { rule?: string; done: () => void }) {
  const [chosen, setChosen] = useState(rule ?? "");
  const [matcher, setMatcher] = useState<Record<(typeof FIELDS)[number], string>>({ action: "", app: "", client_ip: "" });
  const [reason, setReason] = useState("");
  const [hours, setHours] = useState(4);
  const rules = useLoad("rules", (signal) => read<List<RuleView>>("/v1/rules", {}, signal));
  const action = useAction();
  const names = [...new Set([...(chosen ? [chosen] : []), ...(rules.data?.results ?? []).map((one) => one.name)])];
  const set = FIELDS.filter((field) => matcher[field].trim());
  const what: JsonObject = {};
  if (chosen) what.rules = [chosen];
  if (set.length) what.event_matcher = Object.fromEntries(set.map((field) => [field, matcher[field].trim()]));
  const complete = Boolean(chosen || set.length);
  const submit = (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      await send("POST", "/v1/silences", { ...what, reason, ends: new Date(Date.now() + hours * 3_600_000).toISOString() });
      done();
    });
  };
  return (
    <form class="panel draft" onSubmit={submit} aria-label="New silence">
      <h2>Keep notifications back for a while</h2>
      <div class="row-of-fields">
        <label>
          Rule
          <select value={chosen} onChange={(change) => setChosen(change.currentTarget.value)}>
            <option value="">every rule</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Lasts
          <select value={String(hours)} onChange={(change) => setHours(Number(change.currentTarget.value))}>
            {LENGTHS.map(([name, length]) => (
              <option key={name} value={String(length)}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <fieldset class="row-of-fields">
        <legend>Only events whose</legend>
        {FIELDS.map((field) => (
          <label key={field}>
            {field} is
            <input class="mono" list={field === "action" ? "actions" : undefined} value={matcher[field]} placeholder="any" onInput={(change) => setMatcher({ ...matcher, [field]: change.currentTarget.value })} />
          </label>
        ))}
        <datalist id="actions">
          {ACTIONS.map((known) => (
            <option key={known} value={known} />
          ))}
        </datalist>
      </fieldset>
      <label class="reason">
        Reason
        <input required value={reason} placeholder="why, for those who look later" onInput={(change) => setReason(change.currentTarget.value)} />
      </label>
      {complete ? <Preview what={JSON.stringify(what)} /> : <p class="dim">Choose a rule, or say which events.</p>}
      {action.problem && <Faulty body={action.problem.body} detail={action.problem.detail} />}
      <button type="submit" class="primary" disabled={!complete || !reason.trim() || action.busy}>
        Put it in force
      </button>
    </form>
  );
}

/** A refusal's faults, or the refusal. */
function Faulty({ body, detail }: { body: { [key: string]: unknown }; detail: string }) {
  const faults = Array.isArray(body.faults) ? (body.faults as { what: string; hint: string }[]) : [];
  return (
    <div class="failure" role="alert">
      {faults.length ? faults.map((fault) => `${fault.what}; ${fault.hint}`).join(". ") : detail}
    </div>
  );
}

function Preview({ what }: { what: string }) {
  const [settled, setSettled] = useState(what);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(what), 400);
    return () => clearTimeout(timer);
  }, [what]);
  const kept = useLoad(settled, () => send<{ report: Kept; next: string | null }>("POST", "/v1/silences/preview", JSON.parse(settled)));
  if (kept.problem) return kept.problem.status === 422 ? <Faulty body={kept.problem.body} detail={kept.problem.detail} /> : <Failure problem={kept.problem} />;
  if (!kept.data) return <p class="dim">Trying it on the last 7 days…</p>;
  const { report, next } = kept.data;
  const deliveries = Object.values(report.rules).reduce((sum, one) => sum + one.deliveries, 0);
  return (
    <p class="hits" role="status">
      In the last 7 days it would have kept back <b>{plural(deliveries, "delivery", "deliveries")}</b> of {plural(report.silenced, "event")}{" "}
      <span class="dim">
        ({next ? "the newest " : ""}
        {plural(report.events, "event")} tried)
      </span>
    </p>
  );
}
