/** The form for a new silence, with a preview on the last 7 days. */

import { useEffect, useState } from "preact/hooks";
import { read, send, serverNow } from "../api/client";
import type { JsonObject, List, Rule, SilencePreview } from "../api/types";
import { Failure } from "../components/states";
import { ACTIONS } from "../events/filters";
import { plural } from "../format/text";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import "./silence-form.css";

const DURATIONS: [string, number][] = [
  ["1 hour", 1],
  ["4 hours", 4],
  ["1 day", 24],
  ["1 week", 168],
];
const FIELDS = ["action", "app", "client_ip"] as const;

export function SilenceForm({ rule, done }: { rule?: string; done: () => void }) {
  const [chosen, setChosen] = useState(rule ?? "");
  const [matcher, setMatcher] = useState<Record<(typeof FIELDS)[number], string>>({
    action: "",
    app: "",
    client_ip: "",
  });
  const [reason, setReason] = useState("");
  const [hours, setHours] = useState(4);
  const rules = useLoad("rules", (signal) => read<List<Rule>>("/v1/rules", {}, signal));
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
      await send("POST", "/v1/silences", {
        ...what,
        reason,
        ends: new Date(serverNow() + hours * 3_600_000).toISOString(),
      });
      done();
    });
  };
  return (
    <form class="panel form-panel" onSubmit={submit} aria-label="New silence">
      <h2>New silence</h2>
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
          Duration
          <select value={String(hours)} onChange={(change) => setHours(Number(change.currentTarget.value))}>
            {DURATIONS.map(([name, length]) => (
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
            <input
              class="mono"
              list={field === "action" ? "actions" : undefined}
              value={matcher[field]}
              placeholder="any"
              onInput={(change) => setMatcher({ ...matcher, [field]: change.currentTarget.value })}
            />
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
        <input
          required
          value={reason}
          placeholder="why notifications are silenced"
          onInput={(change) => setReason(change.currentTarget.value)}
        />
      </label>
      {complete ? (
        <Preview what={JSON.stringify(what)} />
      ) : (
        <p class="dim">Choose a rule, or fill in one of the fields.</p>
      )}
      {action.problem && <SilenceFailure body={action.problem.body} detail={action.problem.detail} />}
      <button type="submit" class="primary" disabled={!complete || !reason.trim() || action.busy}>
        Create silence
      </button>
    </form>
  );
}

/** The faults of a rejected silence, or the detail of another error. */
function SilenceFailure({ body, detail }: { body: { [key: string]: unknown }; detail: string }) {
  const faults = Array.isArray(body.faults) ? (body.faults as { what: string; hint: string }[]) : [];
  return (
    <div class="failure" role="alert">
      {faults.length ? faults.map((fault) => `${fault.what}; ${fault.hint}`).join(". ") : detail}
    </div>
  );
}

function Preview({ what }: { what: string }) {
  const [debounced, setDebounced] = useState(what);
  useEffect(() => {
    const timer = setTimeout(() => setDebounced(what), 400);
    return () => clearTimeout(timer);
  }, [what]);
  const preview = useLoad(debounced, () =>
    send<{ report: SilencePreview; next: string | null }>("POST", "/v1/silences/preview", JSON.parse(debounced)),
  );
  if (preview.problem)
    return preview.problem.status === 422 ? (
      <SilenceFailure body={preview.problem.body} detail={preview.problem.detail} />
    ) : (
      <Failure problem={preview.problem} />
    );
  if (!preview.data) return <p class="dim">Loading the preview…</p>;
  const { report, next } = preview.data;
  const deliveries = Object.values(report.rules).reduce((sum, one) => sum + one.deliveries, 0);
  return (
    <p class="match-count" role="status">
      In the last 7 days it would have suppressed <b>{plural(deliveries, "delivery", "deliveries")}</b> of{" "}
      {plural(report.silenced, "event")}{" "}
      <span class="dim">
        ({next ? "the newest " : ""}
        {plural(report.events, "event")} tried)
      </span>
    </p>
  );
}
