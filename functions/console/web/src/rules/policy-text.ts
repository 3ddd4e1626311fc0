/** Describes what a policy requires of an event. Policies without a description are shown as source text. */

import type { Json, JsonObject } from "../api/types";
import { isObject, visible } from "../format/text";
import { lasting } from "../format/time";

export type Meaning =
  | { kind: "words"; text: string }
  | { kind: "python"; source: string }
  | { kind: "json"; text: string };

export function meaning(policy: JsonObject | undefined): Meaning {
  const { event_matcher: matcher, event_pattern: pattern, expression, detection } = policy ?? {};
  if (isObject(matcher)) return { kind: "words", text: matcherText(matcher) || "every event" };
  if (isObject(pattern)) return { kind: "words", text: patternText(pattern) || "every event" };
  if (isObject(expression) && typeof expression.source === "string")
    return { kind: "python", source: expression.source.trimEnd() };
  const detected = isObject(detection) ? detectionText(detection) : "";
  if (detected) return { kind: "words", text: detected };
  return { kind: "json", text: JSON.stringify(policy ?? null) };
}

/** Describes a matcher: `action is login or logout and app is shop`. Empty if it matches every event. */
export function matcherText(matcher: JsonObject): string {
  const set = Object.entries(matcher).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length));
  return set
    .map(([field, value]) =>
      field === "query" && typeof value === "string"
        ? `(${visible(value.trim())})`
        : `${field} is ${visible(listed(Array.isArray(value) ? value : [value]))}`,
    )
    .join(" and ");
}

const listed = (values: Json[]) => values.map(plainValue).join(" or ");
const plainValue = (value: Json) => (typeof value === "string" ? value || '""' : JSON.stringify(value));

/** Describes what a detection waits for. Empty if the kind is unknown. */
function detectionText({ kind, by }: JsonObject): string {
  const [[name, settings] = []] = Object.entries(isObject(kind ?? null) ? (kind as JsonObject) : {});
  if (!isObject(settings ?? null)) return "";
  const { of, distinct, value, within, remember, every, grace, at_least, ordered } = settings as JsonObject;
  const period = (iso: Json | undefined) => lasting(String(iso));
  const listed = (items: Json | undefined, word: string) => visible([items ?? []].flat().join(` ${word} `));
  const groups = listed(by, "and");
  const perGroup = groups && ` for each ${groups}`;
  switch (name) {
    case "count": {
      const counted = distinct
        ? `different values of ${visible(String(distinct))} in ${listed(of, "")}`
        : listed(of, "");
      return `at least ${at_least} ${counted} within ${period(within)}${perGroup}`;
    }
    case "first_seen":
      return `${listed(value, "and")} of ${listed(of, "")} not seen for ${period(remember)}${perGroup}`;
    case "absent":
      return `no ${listed(of, "")} for ${period(every)}${grace && grace !== "PT0S" ? ` and ${period(grace)}` : ""}${perGroup}`;
    case "sequence":
      return `${listed(of, ordered ? "then" : "and")} within ${period(within)}${perGroup}`;
    default:
      return "";
  }
}

/** Describes an event pattern (as in EventBridge): each leaf is a list of conditions, of which one must hold. */
function patternText(pattern: JsonObject, path = ""): string {
  return Object.entries(pattern)
    .map(([key, value]) => {
      if (key === "$or" && Array.isArray(value))
        return value.map((one) => `(${isObject(one) ? patternText(one, path) : plainValue(one)})`).join(" or ");
      const name = path ? `${path}.${key}` : key;
      if (Array.isArray(value))
        return `${visible(name)} ${value.map((one) => visible(conditionText(one))).join(" or ")}`;
      return isObject(value) ? patternText(value, name) : `${visible(name)} ${visible(plainValue(value))}`;
    })
    .filter(Boolean)
    .join(" and ");
}

function conditionText(leaf: Json): string {
  if (!isObject(leaf)) return `is ${plainValue(leaf)}`;
  return Object.entries(leaf)
    .map(([operator, value]) => {
      const values = Array.isArray(value) ? value : [value];
      switch (operator) {
        case "exists":
          return value ? "exists" : "does not exist";
        case "prefix":
          return `begins with ${operand(value)}`;
        case "suffix":
          return `ends with ${operand(value)}`;
        case "wildcard":
          return `is like ${operand(value)}`;
        case "equals-ignore-case":
          return `is ${listed(values)} in any case`;
        case "cidr":
          return `is in ${listed(values)}`;
        case "numeric":
          return `is ${values
            .map(plainValue)
            .join(" ")
            .replace(/ ([<>=])/g, " and $1")}`;
        case "anything-but":
          return isObject(value)
            ? `is not a value that ${conditionText(value)}`
            : `is neither ${values.map(plainValue).join(" nor ")}`.replace(/neither ((?!.* nor ).*)$/, "not $1");
        default:
          return `${operator} ${JSON.stringify(value)}`;
      }
    })
    .join(" and ");
}

const operand = (value: Json) =>
  isObject(value) ? conditionText(value).replace(/^is /, "") : listed(Array.isArray(value) ? value : [value]);
