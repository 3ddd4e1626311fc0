/** "Alert on events like this": drafts a rule from an event and shows how often it would have matched. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { read } from "../api/client";
import type { List, LoggedEvent, Rule, Severity } from "../api/types";
import { navigate } from "../app/routes";
import { plural, visible } from "../format/text";
import { useLoad } from "../hooks/use-load";
import { type Criteria, criteriaOf, type Draft, draftDocument, draftText, nameFor } from "../rules/draft";
import { dryRun, total } from "../rules/dry-run";
import "./alert-draft.css";

/** The session storage key of the draft, which the rules page reads. */
export const DRAFT_KEY = "nuncio-draft";

const DAYS = 30;

export function AlertDraft({ event }: { event: LoggedEvent }) {
  const possible = useMemo(() => criteriaOf(event), [event]);
  const fields = (Object.keys(possible) as (keyof Criteria)[]).filter((field) => possible[field] !== undefined);
  const [chosen, setChosen] = useState<ReadonlySet<keyof Criteria>>(
    new Set(["action", "app", "model"].filter((field) => fields.includes(field as never)) as (keyof Criteria)[]),
  );
  const [severity, setSeverity] = useState<Severity>("warning");
  const rules = useLoad("rules", (signal) => read<List<Rule>>("/v1/rules", {}, signal));
  const groups = [...new Set((rules.data?.results ?? []).flatMap((rule) => rule.group ?? []))];
  const [group, setGroup] = useState<string>();
  const criteria: Criteria = Object.fromEntries(
    fields.filter((field) => chosen.has(field)).map((field) => [field, possible[field]]),
  );
  const draft: Draft = { name: nameFor(criteria), severity, group: group ?? groups[0], criteria };
  const toggle = (field: keyof Criteria) => {
    const next = new Set(chosen);
    if (!next.delete(field)) next.add(field);
    setChosen(next);
  };
  const open = () => {
    sessionStorage.setItem(DRAFT_KEY, JSON.stringify(draft));
    navigate("/rules?view=document");
  };
  return (
    <section class="panel form-panel" aria-label="Alert on events like this">
      <h2>Alert on events like this</h2>
      <fieldset>
        <legend>Events whose</legend>
        {fields.map((field) => (
          <label key={field} class="tick-label">
            <input type="checkbox" checked={chosen.has(field)} onChange={() => toggle(field)} />
            {field} <span class="dim">is</span> <bdi class="mono">{visible((possible[field] ?? "").slice(0, 120))}</bdi>
          </label>
        ))}
      </fieldset>
      <div class="row-of-fields">
        <label>
          Severity
          <select value={severity} onChange={(change) => setSeverity(change.currentTarget.value as Severity)}>
            <option>notice</option>
            <option>warning</option>
            <option>alert</option>
          </select>
        </label>
        <label>
          Notify
          <select value={draft.group ?? ""} onChange={(change) => setGroup(change.currentTarget.value)}>
            {groups.map((name) => (
              <option key={name} value={name}>
                group {name}
              </option>
            ))}
            <option value="">the acting user</option>
          </select>
        </label>
      </div>
      <MatchCount document={draftDocument(draft)} name={draft.name} />
      <pre class="small">{draftText(draft)}</pre>
      <button type="button" class="primary" disabled={!chosen.size} onClick={open}>
        Add to the rules document
      </button>
      <p class="dim small">You can check it and do a dry run there before you apply it.</p>
    </section>
  );
}

function MatchCount({ document, name }: { document: string; name: string }) {
  const [state, setState] = useState<{
    matches: number;
    events: number;
    days: number;
    done: boolean;
    error?: string;
  }>();
  useEffect(() => {
    const stop = new AbortController();
    setState(undefined);
    const since = new Date(Date.now() - DAYS * 86_400_000);
    dryRun(
      document,
      since,
      (report, done) => {
        const days = Object.values(report.rules[name] ?? {}).filter((compared) => compared.new.matches).length;
        setState({ matches: total(report, name).new.matches, events: report.events, days, done });
      },
      stop.signal,
    ).catch((error: unknown) => {
      if (!stop.signal.aborted)
        setState({ matches: 0, events: 0, days: 0, done: true, error: String((error as Error).message) });
    });
    return () => stop.abort();
  }, [document, name]);
  return (
    <p class="match-count" role="status">
      {!state ? (
        "Dry run on the last 30 days…"
      ) : state.error ? (
        visible(state.error)
      ) : (
        <>
          In the last {DAYS} days it would have matched <b>{plural(state.matches, "time")}</b>
          {state.matches > 0 && ` on ${plural(state.days, "day")}`}
          <span class="dim">
            {" "}
            ({plural(state.events, "event")} tried{state.done ? "" : " so far"})
          </span>
        </>
      )}
    </p>
  );
}
