/** The decision trace of one event: who was notified, and why or why not. */

import { useState } from "preact/hooks";
import type { Problem } from "../api/client";
import type { Delivery, RuleTrace, Trace } from "../api/types";
import { Icon } from "../components/icons";
import { Empty, Failure, Waiting } from "../components/states";
import { DeliveryItem } from "../deliveries/delivery-item";
import { suppressionText, traceText } from "../deliveries/delivery-text";
import { plural, visible } from "../format/text";
import "./trace-panel.css";

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
  const fired = trace.rules.filter((rule) => rule.matched || rule.deliveries.length);
  const unmatched = trace.rules.filter((rule) => !fired.includes(rule));
  return (
    <>
      <p class="trace-text">{traceText(trace)}</p>
      {trace.held_back && (
        <p class="trace-held-back">
          <Icon name="silences" /> No rule can notify anybody of this event: {visible(trace.held_back)}
        </p>
      )}
      {fired.map((rule) => (
        <RuleResult key={rule.rule} rule={rule} now={now} changed={changed} />
      ))}
      {unmatched.length > 0 && (
        <details
          class="unmatched-rules"
          open={all || !fired.length}
          onToggle={(event) => setAll(event.currentTarget.open)}
        >
          <summary>{plural(unmatched.length, "rule")} did not match</summary>
          {unmatched.map((rule) => (
            <RuleResult key={rule.rule} rule={rule} now={now} changed={changed} />
          ))}
        </details>
      )}
      {!trace.rules.length && (
        <Empty title="No rules yet">
          <a href="/rules?view=document">Write one</a>
        </Empty>
      )}
      <p class="dim small">
        The rules were evaluated now, with version {trace.version} of the document. The deliveries are those that were
        made when the event arrived.
      </p>
    </>
  );
}

function RuleResult({ rule, now, changed }: { rule: RuleTrace; now: number; changed: () => void }) {
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
            Silence
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
              <span class="hidden">{policy.passed ? " passed:" : " did not pass:"}</span>{" "}
              <bdi class="dim">{visible(policy.why.slice(0, 2000))}</bdi>
              {policy.messages?.map((message, at) => (
                <span key={at} class="policy-message">
                  <span class="dim">message:</span> <bdi class="text">{visible(message.slice(0, 2000))}</bdi>
                </span>
              ))}
            </span>
          </li>
        ))}
      </ul>
      <Deliveries all={rule.deliveries} now={now} changed={changed} />
    </section>
  );
}

/** The deliveries by recipient. If all have the same suppression, it is stated once, above. */
function Deliveries({ all, now, changed }: { all: Delivery[]; now: number; changed: () => void }) {
  if (!all.length) return null;
  const sorted = [...all].sort(
    (a, b) => a.recipient.localeCompare(b.recipient) || a.transport.localeCompare(b.transport),
  );
  const causes = new Set(all.map(({ suppressed }) => suppressed && suppressionText(suppressed)));
  const [cause] = causes.size === 1 ? causes : [];
  return (
    <>
      {cause && <p class="trace-suppressed">{cause[0]?.toUpperCase() + cause.slice(1)}</p>}
      <ul class="deliveries">
        {sorted.map((delivery) => (
          <DeliveryItem key={delivery.id} delivery={delivery} now={now} changed={changed} stated={cause} />
        ))}
      </ul>
    </>
  );
}
