/** The rules: as they stand, as the document that says so, and how that came to be. */

import { read } from "../api";
import { useLoad, useTitle } from "../hooks";
import { DocumentEditor } from "../parts/document-editor";
import { History } from "../parts/history";
import { SeverityMark } from "../parts/marks";
import { Empty, Failure, Waiting } from "../parts/states";
import { meaning } from "../policy-words";
import { plural, visible } from "../text";
import { lasting } from "../time";
import type { JsonObject, List, MuteWindow, RuleView } from "../types";

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
            <a key={one} href={one === "rules" ? "/rules" : `/rules?view=${one}`} aria-current={one === view ? "page" : undefined}>
              {VIEWS[one]}
            </a>
          ))}
        </nav>
      </div>
      {view === "rules" && <RuleList />}
      {view === "document" && <DocumentEditor restore={query.get("version")} find={query.get("find")} />}
      {view === "history" && <History />}
    </div>
  );
}

function RuleList() {
  const list = useLoad("rules", (signal) => read<List<RuleView>>("/v1/rules", {}, signal));
  if (list.problem) return <Failure problem={list.problem} retry={list.reload} />;
  if (!list.data) return <Waiting />;
  if (!list.data.results.length) {
    return (
      <Empty title="There are no rules, so nobody is told of anything">
        <p>
          Write one in the <a href="/rules?view=document">document</a>, or open an <a href="/events">event</a> and let one be drafted from it.
        </p>
      </Empty>
    );
  }
  return (
    <ul class="rule-list">
      {list.data.results.map((rule) => (
        <RuleItem key={rule.name} rule={rule} />
      ))}
    </ul>
  );
}

function RuleItem({ rule }: { rule: RuleView }) {
  const told = [rule.group && `group ${rule.group}`, rule.event_user && "the acting user", rule.event_subject && "the affected user"].filter(Boolean);
  const bindings = [...rule.bindings].sort((a, b) => a.order - b.order);
  return (
    <li class={rule.enabled ? "panel" : "panel off"}>
      <div class="transport-head">
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
        Tells <b>{told.length ? told.map((one) => visible(String(one))).join(" and ") : "nobody"}</b> by{" "}
        {rule.transports.length ? visible(rule.transports.join(", ")) : "no transport"} when {rule.mode === "all" ? "all of these pass" : "any of these passes"}:
      </p>
      <ul class="policies">
        {bindings.map((binding) => (
          <li key={binding.policy} class={binding.enabled ? "" : "off"}>
            <span>
              <bdi class="mono">{visible(binding.policy)}</bdi>: {binding.negate && <b>not </b>}
              <Meaning policy={rule.policies[binding.policy]} />
              {!binding.enabled && " (disabled)"}
              {binding.enabled && binding.dry_run && " (dry run: does not count)"}
            </span>
          </li>
        ))}
        {!bindings.length && <li class="dim">Nothing is bound to it, so it never fires.</li>}
      </ul>
      {storm(rule).map((said) => (
        <p key={said} class="dim">
          {visible(said)}
        </p>
      ))}
    </li>
  );
}

/** What keeps its notifications back. */
function storm({ throttle, digest, mute }: RuleView): string[] {
  const apart = (by: string[]) => (by.length ? `, apart by ${by.join(" and ")}` : "");
  const said = [];
  if (throttle) said.push(`At most ${plural(throttle.max, "event")} in ${lasting(throttle.per)}${apart(throttle.by)}.`);
  if (digest) said.push(`Collected for ${lasting(digest.window)} into one message${apart(digest.by)}.`);
  for (const window of mute ?? []) said.push(`Muted ${muted(window)}.`);
  return said;
}

function muted({ days, from, to, zone }: MuteWindow): string {
  const when = days.length ? `on ${days.join(", ")}` : "every day";
  const whole = from === "00:00" && (to === "24:00" || to === "00:00");
  return `${when}${whole ? "" : ` from ${from} to ${to}`} (${zone})`;
}

/** What a policy asks of an event. */
function Meaning({ policy }: { policy: JsonObject | undefined }) {
  const said = meaning(policy);
  switch (said.kind) {
    case "words":
      return <span class="dim">{said.text}</span>;
    case "python":
      return (
        <>
          <span class="dim">in Python</span>
          <pre class="source" tabIndex={0}>
            {visible(said.source)}
          </pre>
        </>
      );
    default:
      return <code>{visible(said.text.slice(0, 400))}</code>;
  }
}
