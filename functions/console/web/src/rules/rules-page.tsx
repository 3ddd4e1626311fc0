/** The rules: a readable list, the editor of the rules document, and its versions. */

import { read } from "../api/client";
import type { JsonObject, List, MuteWindow, Rule } from "../api/types";
import { SeverityMark } from "../components/marks";
import { Empty, Failure, Waiting } from "../components/states";
import { plural, visible } from "../format/text";
import { lasting } from "../format/time";
import { useLoad } from "../hooks/use-load";
import { useTitle } from "../hooks/use-title";
import { DocumentEditor } from "./document-editor";
import { meaning } from "./policy-text";
import { VersionHistory } from "./version-history";
import "./rules-page.css";

const VIEWS = { rules: "Rules", document: "Document", history: "History" } as const;
type View = keyof typeof VIEWS;

export function RulesPage({ query }: { query: URLSearchParams }) {
  useTitle("Rules");
  const asked = query.get("view") ?? "";
  const view: View = asked in VIEWS ? (asked as View) : "rules";
  return (
    <div class="page">
      <div class="page-head">
        <h1>Rules</h1>
        <nav class="segments" aria-label="Views of the rules">
          {(Object.keys(VIEWS) as View[]).map((one) => (
            <a
              key={one}
              href={one === "rules" ? "/rules" : `/rules?view=${one}`}
              aria-current={one === view ? "page" : undefined}
            >
              {VIEWS[one]}
            </a>
          ))}
        </nav>
      </div>
      {view === "rules" && <RuleList />}
      {view === "document" && <DocumentEditor restore={query.get("version")} find={query.get("find")} />}
      {view === "history" && <VersionHistory />}
    </div>
  );
}

function RuleList() {
  const list = useLoad("rules", (signal) => read<List<Rule>>("/v1/rules", {}, signal));
  if (list.problem) return <Failure problem={list.problem} retry={list.reload} />;
  if (!list.data) return <Waiting />;
  if (!list.data.results.length) {
    return (
      <Empty title="No rules yet, so nobody is notified">
        <p>
          Write one in the <a href="/rules?view=document">document</a>, or open an <a href="/events">event</a> and let
          one be drafted from it.
        </p>
      </Empty>
    );
  }
  return (
    <ul class="card-list rule-list">
      {list.data.results.map((rule) => (
        <RuleItem key={rule.name} rule={rule} />
      ))}
    </ul>
  );
}

function RuleItem({ rule }: { rule: Rule }) {
  const recipients = [
    rule.group && `group ${rule.group}`,
    rule.event_user && "the acting user",
    rule.event_subject && "the affected user",
  ].filter(Boolean);
  const bindings = [...rule.bindings].sort((a, b) => a.order - b.order);
  return (
    <li class={rule.enabled ? "panel" : "panel off"}>
      <div class="panel-head">
        <h2>
          <bdi>{visible(rule.name)}</bdi>
        </h2>
        <SeverityMark severity={rule.severity} />
        {!rule.enabled && <span class="mark">disabled</span>}
        <a class="small" href={`/deliveries?rule=${encodeURIComponent(rule.name)}`}>
          Deliveries
        </a>
        <a class="small" href={`/silences?rule=${encodeURIComponent(rule.name)}`}>
          Silence
        </a>
        <a class="small" href={`/rules?view=document&find=${encodeURIComponent(rule.name)}`}>
          Edit
        </a>
      </div>
      <p>
        Notifies <b>{recipients.length ? recipients.map((one) => visible(String(one))).join(" and ") : "nobody"}</b> via{" "}
        {rule.transports.length ? visible(rule.transports.join(", ")) : "no transport"} when{" "}
        {rule.mode === "all" ? "all of these pass" : "any of these passes"}:
      </p>
      <ul class="policies">
        {bindings.map((binding) => (
          <li key={binding.policy} class={binding.enabled ? "" : "off"}>
            <span>
              <bdi class="mono">{visible(binding.policy)}</bdi>: {binding.negate && <b>not </b>}
              <PolicyMeaning policy={rule.policies[binding.policy]} />
              {!binding.enabled && " (disabled)"}
              {binding.enabled && binding.dry_run && " (dry run: has no effect)"}
            </span>
          </li>
        ))}
        {!bindings.length && <li class="dim">No policy is bound to this rule, so it never matches.</li>}
      </ul>
      {suppressionTexts(rule).map((text) => (
        <p key={text} class="dim">
          {visible(text)}
        </p>
      ))}
    </li>
  );
}

/** When the rule's notifications are suppressed. */
function suppressionTexts({ throttle, digest, mute }: Rule): string[] {
  const groupedBy = (by: string[]) => (by.length ? `, counted by ${by.join(" and ")}` : "");
  const texts = [];
  if (throttle)
    texts.push(`At most ${plural(throttle.max, "event")} in ${lasting(throttle.per)}${groupedBy(throttle.by)}.`);
  if (digest) texts.push(`Collected for ${lasting(digest.window)} into one message${groupedBy(digest.by)}.`);
  for (const window of mute ?? []) texts.push(`Muted ${muted(window)}.`);
  return texts;
}

function muted({ days, from, to, zone }: MuteWindow): string {
  const when = days.length ? `on ${days.join(", ")}` : "every day";
  const whole = from === "00:00" && (to === "24:00" || to === "00:00");
  return `${when}${whole ? "" : ` from ${from} to ${to}`} (${zone})`;
}

/** What a policy requires of an event. */
function PolicyMeaning({ policy }: { policy: JsonObject | undefined }) {
  const described = meaning(policy);
  switch (described.kind) {
    case "words":
      return <span class="dim">{described.text}</span>;
    case "python":
      return (
        <>
          <span class="dim">in Python</span>
          <pre class="source" tabIndex={0}>
            {visible(described.source)}
          </pre>
        </>
      );
    default:
      return <code>{visible(described.text.slice(0, 400))}</code>;
  }
}
