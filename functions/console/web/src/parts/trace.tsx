/** Who was told, why, and why not: the decision trace of one event. */

import { useState } from "preact/hooks";
import type { Problem } from "../api";
import { answer, keptBack } from "../delivery-words";
import { plural, visible } from "../text";
import type { Delivery, Trace, TracedRule } from "../types";
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
          <a href="/rules?view=document">Write one</a>
        </Empty>
      )}
      <p class="dim small">
        Rules are judged as they stand now, in version {trace.version} of the document; deliveries are those that were made when it came.
      </p>
    </>
  );
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
      <Deliveries all={rule.deliveries} now={now} changed={changed} />
    </section>
  );
}

/** By recipient; what keeps all of them back is told once. */
function Deliveries({ all, now, changed }: { all: Delivery[]; now: number; changed: () => void }) {
  if (!all.length) return null;
  const sorted = [...all].sort((a, b) => a.recipient.localeCompare(b.recipient) || a.transport.localeCompare(b.transport));
  const causes = new Set(all.map(({ suppressed }) => suppressed && keptBack(suppressed)));
  const [cause] = causes.size === 1 ? causes : [];
  return (
    <>
      {cause && <p class="kept-back">{cause[0]?.toUpperCase() + cause.slice(1)}</p>}
      <ul class="deliveries">
        {sorted.map((delivery) => (
          <DeliveryItem key={delivery.id} delivery={delivery} now={now} changed={changed} known={cause} />
        ))}
      </ul>
    </>
  );
}
