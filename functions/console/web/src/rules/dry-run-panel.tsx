/** The result of a dry run: the edited document compared with the active one on stored events. Sends nothing. */

import { useEffect, useState } from "preact/hooks";
import { Problem } from "../api/client";
import type { DryRunReport } from "../api/types";
import { Failure } from "../components/states";
import { count, plural, visible } from "../format/text";
import { dryRun, total } from "./dry-run";
import "./dry-run-panel.css";

export function DryRunPanel({ document }: { document: string }) {
  const [days, setDays] = useState(30);
  const [state, setState] = useState<{ report?: DryRunReport; done: boolean; parts?: number; problem?: Problem }>({
    done: false,
  });
  const [runs, setRuns] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState({ done: false });
    dryRun(
      document,
      new Date(Date.now() - days * 86_400_000),
      (report, done, parts) => setState({ report, done, parts }),
      stop.signal,
    ).catch((error: unknown) => {
      if (!stop.signal.aborted)
        setState({ done: true, problem: error instanceof Problem ? error : new Problem(0, String(error)) });
    });
    return () => stop.abort();
  }, [document, days, runs]);
  const { report, done, parts = 0, problem } = state;
  return (
    <section class="panel" aria-label="Dry run">
      <div class="panel-head">
        <h2>Dry run on stored events</h2>
        <label class="inline">
          Last
          <select value={String(days)} onChange={(change) => setDays(Number(change.currentTarget.value))}>
            <option value="1">day</option>
            <option value="7">7 days</option>
            <option value="30">30 days</option>
            <option value="365">year</option>
          </select>
        </label>
        <span class="dim" role="status">
          {report
            ? `${plural(report.events, "event")} ${done ? "tried, nothing was sent" : "tried so far…"}`
            : problem
              ? ""
              : "Running…"}
        </span>
      </div>
      {problem && <Failure problem={problem} retry={() => setRuns(runs + 1)} />}
      {report && <Result report={report} />}
      {report && parts > 1 && Object.keys(report.suppressed).length > 0 && (
        <p class="dim">
          Tried in {plural(parts, "part")}. Throttles and digests restart with each part, so a few deliveries too many
          may be counted as suppressed. <code>nuncio dry-run</code> evaluates all events together.
        </p>
      )}
    </section>
  );
}

function Result({ report }: { report: DryRunReport }) {
  const rules = [...new Set([...Object.keys(report.rules), ...Object.keys(report.differences)])].sort();
  if (!rules.length) return <p>No rule matches any of these events, before or after the changes.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Matches by rule">
      <table class="grid-table">
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col" class="right">
              Matches now
            </th>
            <th scope="col" class="right">
              Matches after
            </th>
            <th scope="col" class="right">
              Deliveries
            </th>
            <th scope="col" class="apart">
              Suppressed
            </th>
            <th scope="col">Events that differ</th>
            <th scope="col">Messages</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <Row key={rule} rule={rule} report={report} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ rule, report }: { rule: string; report: DryRunReport }) {
  const sum = total(report, rule);
  const difference = report.differences[rule];
  const suppressed = Object.entries(report.suppressed[rule] ?? {});
  const people = Object.entries(report.messages[rule] ?? {}).sort((a, b) => b[1] - a[1]);
  return (
    <tr>
      <th scope="row">
        <bdi>{visible(rule)}</bdi>
      </th>
      <td class="right number">{count(sum.old.matches)}</td>
      <td class="right number">
        <b>{count(sum.new.matches)}</b>
      </td>
      <td class="right number">
        {count(sum.old.deliveries)} → <b>{count(sum.new.deliveries)}</b>
      </td>
      <td class="apart">
        {suppressed.map(([mechanism, deliveries]) => (
          <div key={mechanism}>
            <span class="number">{count(deliveries)}</span> <span class="dim">by {mechanism}</span>
          </div>
        ))}
        {!suppressed.length && <span class="dim">none</span>}
      </td>
      <td>
        {difference ? (
          <>
            <Examples sign="+" what="more" number={difference.gained} pks={difference.gained_examples} />
            <Examples sign="−" what="fewer" number={difference.lost} pks={difference.lost_examples} />
          </>
        ) : (
          <span class="dim">none</span>
        )}
      </td>
      <td>
        {people.slice(0, 3).map(([person, messages]) => (
          <div key={person}>
            <bdi>{visible(person)}</bdi> <span class="number">{count(messages)}</span>
          </div>
        ))}
        {people.length > 3 && <span class="dim">and {plural(people.length - 3, "other")}</span>}
      </td>
    </tr>
  );
}

function Examples({ sign, what, number, pks }: { sign: string; what: string; number: number; pks: string[] }) {
  if (!number) return null;
  return (
    <div>
      <b class={sign === "+" ? "good" : "bad"}>
        {sign}
        {count(number)}
      </b>{" "}
      <span class="hidden">{what}</span>
      {pks.map((pk, at) => (
        <a key={pk} href={`/events/${pk}`} class="example">
          {at + 1}
          <span class="hidden">. example</span>
        </a>
      ))}
    </div>
  );
}
