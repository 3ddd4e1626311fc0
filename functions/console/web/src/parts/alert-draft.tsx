/** "Alert on events like this": what such a rule would be, how often it would have fired, and the way to it. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { type Draft, type Wanted, alone, nameFor, shown, wantedOf } from "../draft";
import { useLoad } from "../hooks";
import { read } from "../api";
import { rehearse, total } from "../rehearsal";
import { go } from "../routes";
import { plural, visible } from "../text";
import type { List, LoggedEvent, RuleView, Severity } from "../types";

/** Under which the rules page finds the draft. */
export const DRAFT = "nuncio-draft";

const DAYS = 30;

export function AlertDraft({ event }: { event: LoggedEvent }) {
  const possible = useMemo(() => wantedOf(event), [event]);
  const fields = (Object.keys(possible) as (keyof Wanted)[]).filter((field) => possible[field] !== undefined);
  const [chosen, setChosen] = useState<ReadonlySet<keyof Wanted>>(new Set(["action", "app", "model"].filter((field) => fields.includes(field as never)) as (keyof Wanted)[]));
  const [severity, setSeverity] = useState<Severity>("warning");
  const rules = useLoad("rules", (signal) => read<List<RuleView>>("/v1/rules", {}, signal));
  const groups = [...new Set((rules.data?.results ?? []).flatMap((rule) => rule.group ?? []))];
  const [group, setGroup] = useState<string>();
  const wanted: Wanted = Object.fromEntries(fields.filter((field) => chosen.has(field)).map((field) => [field, possible[field]]));
  const draft: Draft = { name: nameFor(wanted), severity, group: group ?? groups[0], wanted };
  const turn = (field: keyof Wanted) => {
    const next = new Set(chosen);
    if (!next.delete(field)) next.add(field);
    setChosen(next);
  };
  const open = () => {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
    go("/rules?view=document");
  };
  return (
    <section class="panel draft" aria-label="Alert on events like this">
      <h2>Alert on events like this</h2>
      <fieldset>
        <legend>Those whose</legend>
        {fields.map((field) => (
          <label key={field} class="tick-label">
            <input type="checkbox" checked={chosen.has(field)} onChange={() => turn(field)} />
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
          Tell
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
      <Hits document={alone(draft)} name={draft.name} />
      <pre class="small">{shown(draft)}</pre>
      <button type="button" class="primary" disabled={!chosen.size} onClick={open}>
        Put it into the rules document
      </button>
      <p class="dim small">There it is checked and tried before it goes into force.</p>
    </section>
  );
}

function Hits({ document, name }: { document: string; name: string }) {
  const [state, setState] = useState<{ matches: number; events: number; days: number; done: boolean; failed?: string }>();
  useEffect(() => {
    const stop = new AbortController();
    setState(undefined);
    const since = new Date(Date.now() - DAYS * 86_400_000);
    rehearse(
      document,
      since,
      (report, done) => {
        const days = Object.values(report.rules[name] ?? {}).filter((compared) => compared.new.matches).length;
        setState({ matches: total(report, name).new.matches, events: report.events, days, done });
      },
      stop.signal,
    ).catch((error: unknown) => {
      if (!stop.signal.aborted) setState({ matches: 0, events: 0, days: 0, done: true, failed: String((error as Error).message) });
    });
    return () => stop.abort();
  }, [document, name]);
  return (
    <p class="hits" role="status">
      {!state ? (
        "Trying it on the last 30 days…"
      ) : state.failed ? (
        visible(state.failed)
      ) : (
        <>
          In the last {DAYS} days it would have fired <b>{plural(state.matches, "time")}</b>
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
