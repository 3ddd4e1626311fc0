/** Who was told, why, and why not: the decision trace of one event. */

import { useState } from "preact/hooks";
import type { Problem } from "../api";
import { plural, visible } from "../text";
import type { Trace, TracedRule } from "../types";
import { DeliveryItem } from "./deliveries";
import { Icon } from "./icons";
import { Empty, Failure, Waiting } from "./states";

interface Properties {
  trace?: Trace;
  problem?: Problem;
  now: number;
  changed: () => void;
}

export function TracePanel({ trace, problem, now, changed }: Properties) {
  const [all, setAll] = useState(false);
  if (problem && !trace) return <Failure problem={problem} retry={changed} />;
  if (!trace) return <Waiting />;
  const told = trace.rules.filter((rule) => rule.matched || rule.deliveries.length);
  const silent = trace.rules.filter((rule) => !told.includes(rule));
  return (
    <>
      <p class="answer">{answer(trace)}</p>
      {trace.held_back && (
        <p class="held-back">
          <Icon name="silences" /> Nobody is told, whatever matches: {visible(trace.held_back)}
        </p>
      )}
      {told.map((rule) => (
        <RuleTrace key={rule.rule} rule={rule} now={now} changed={changed} />
      ))}
      {silent.length > 0 && (
        <details class="silent" open={all || !told.length} onToggle={(event) => setAll(event.currentTarget.open)}>
          <summary>{plural(silent.length, "rule")} did not fire</summary>
          {silent.map((rule) => (
            <RuleTrace key={rule.rule} rule={rule} now={now} changed={changed} />
          ))}
        </details>
      )}
      {!trace.rules.length && (
        <Empty title="There are no rules">
          <a href="/rules">Write one</a>
        </Empty>
      )}
      <p class="dim small">Judged by version {trace.version} of the rules document; the deliveries are those that were made.</p>
    </>
  );
}

/** The whole in a sentence. */
export function answer(trace: Trace): string {
  const fired = trace.rules.filter((rule) => rule.matched).length;
  const deliveries = trace.rules.flatMap((rule) => rule.deliveries);
  const people = (state: string) => deliveries.filter((delivery) => delivery.state === state);
  if (!deliveries.length) return fired ? `${plural(fired, "rule")} matched, but nobody was told.` : "Nobody was told: no rule matched.";
  const parts = (["delivered", "retrying", "pending", "dead", "suppressed"] as const)
    .map((state) => ({ state, found: people(state).length }))
    .filter(({ found }) => found)
    .map(({ state, found }) => `${found} ${state}`);
  const names = [...new Set(deliveries.map((delivery) => delivery.recipient))];
  const shown = names.slice(0, 3).map(visible).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");
  return `${plural(fired, "rule")} matched; ${plural(deliveries.length, "delivery", "deliveries")} to ${shown}: ${parts.join(", ")}.`;
}

function RuleTrace({ rule, now, changed }: { rule: TracedRule; now: number; changed: () => void }) {
  return (
    <section class={rule.matched ? "rule-trace matched" : "rule-trace"} aria-label={`Rule ${visible(rule.rule)}`}>
      <h3>
        <span class={rule.matched ? "verdict yes" : "verdict no"}>
          <Icon name={rule.matched ? "check" : "dash"} />
          {rule.matched ? "matched" : "did not match"}
        </span>
        <bdi>{visible(rule.rule)}</bdi>
        {rule.matched && (
          <a class="small silence-link" href={`/silences?rule=${encodeURIComponent(rule.rule)}`}>
            Silence it
          </a>
        )}
      </h3>
      {rule.why && <p class="dim">{visible(rule.why)}</p>}
      <ul class="policies">
        {rule.policies.map((policy) => (
          <li key={policy.policy} class={policy.passed ? "passed" : "failed"}>
            <Icon name={policy.passed ? "check" : "cross"} />
            <span>
              <bdi class="mono">{visible(policy.policy)}</bdi>
              <span class="hidden">{policy.passed ? " passed:" : " did not pass:"}</span> <bdi class="dim">{visible(policy.why.slice(0, 2000))}</bdi>
            </span>
          </li>
        ))}
      </ul>
      {rule.deliveries.length > 0 && (
        <ul class="deliveries">
          {rule.deliveries.map((delivery) => (
            <DeliveryItem key={delivery.id} delivery={delivery} now={now} changed={changed} />
          ))}
        </ul>
      )}
    </section>
  );
}
