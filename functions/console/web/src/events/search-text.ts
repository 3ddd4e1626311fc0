/**
 * Parses the text of the search box: `action:login user:"Ann Lee" anything else`.
 *
 * Terms that stand beside each other must all match. Fields that are joined by `OR`, or excluded with `-`, become a query,
 * which the box then shows. What has no meaning is an error in the words of the box, so that no search is silently another
 * one.
 */

import { FIELD_NAMES, FIELDS, type Field, type Filters } from "./filters";

/** The filters that the text means, or what is wrong with it. */
export type Parsed = { filters: Filters; error?: undefined } | { filters?: undefined; error: string };

interface Term {
  field: Field;
  value: string;
  excluded: boolean;
}

type Word = { kind: "term"; term: Term } | { kind: "or" | "and" | "not" | "text"; text: string };

const WORD = /(-?)(?:(\w+):)?(?:"([^"]*)"?|(\S+))/g;

export function parse(text: string): Parsed {
  const words = [...text.matchAll(WORD)].map(wordOf);
  const terms = words.flatMap((word) => (word.kind === "term" ? [word.term] : []));
  const free = words.filter((word) => word.kind !== "term").map((word) => ("text" in word ? word.text : ""));
  const wrong = terms.map(errorOf).find(Boolean);
  if (wrong) return { error: wrong };
  const excludedText = words.find((word) => word.kind === "text" && /^-[\p{L}_"]/u.test(word.text));
  if (excludedText && "text" in excludedText)
    return {
      error: `Only a field can be excluded, such as -action:login. To find ${excludedText.text} itself, put it in quotes.`,
    };
  const joined = words.some((word) => word.kind === "or" || word.kind === "not") || terms.some((term) => term.excluded);
  if (!terms.length) return joined ? textOrQuery(text, free) : { filters: withText({}, free) };
  if (joined) return query(words);
  const filters: Filters = {};
  for (const { field, value } of terms) {
    if (filters[field] !== undefined && filters[field] !== value)
      return {
        error: `${field}: is there twice, and an event has one. For events with either, write OR between them.`,
      };
    filters[field] = value;
  }
  // An "and" beside a field says nothing more.
  const rest = words.filter((word, at) => word.kind !== "and" || !isBesideTerm(words, at));
  return {
    filters: withText(
      filters,
      rest.flatMap((word) => ("text" in word ? [word.text] : [])),
    ),
  };
}

function wordOf([whole, minus, name, quoted, bare]: RegExpMatchArray): Word {
  const value = quoted ?? bare ?? "";
  if (name && name in FIELDS && value)
    return { kind: "term", term: { field: name as Field, value: spelled(name, value), excluded: minus === "-" } };
  const keyword = { or: "or", "||": "or", and: "and", "&&": "and", not: "not" }[whole.toLowerCase()];
  return { kind: (keyword as "or" | "and" | "not" | undefined) ?? "text", text: whole };
}

const isBesideTerm = (words: Word[], at: number) => words[at - 1]?.kind === "term" || words[at + 1]?.kind === "term";

/** Actions are lower case. */
const spelled = (field: string, value: string) => (field === "action" ? value.toLowerCase() : value);

/** A text without fields. Within a query, `or` and `not` have their own meaning; the server reads it. */
function textOrQuery(text: string, free: string[]): Parsed {
  const isQuery = /[=~<>]|\b(startswith|endswith|in)\b/.test(text);
  const capital = free.find((word) => word === "OR" || word === "NOT" || word === "||");
  if (capital && !isQuery)
    return {
      error: `${capital} joins fields, such as user:ann OR user:bob, and not texts. To find the text itself, put it in quotes.`,
    };
  return { filters: withText({}, free) };
}

function withText(filters: Filters, words: string[]): Filters {
  // The quotes around a single quoted text are removed. Within a query they belong to it.
  const search = words
    .join(" ")
    .trim()
    .replace(/^"([^"]*)"?$/, "$1");
  return search ? { ...filters, search } : filters;
}

/** The terms as a query: `OR` binds looser than terms beside each other, as it does in queries. */
function query(words: Word[]): Parsed {
  const alternatives: string[][] = [[]];
  let negated = false;
  for (const [at, word] of words.entries()) {
    const group = alternatives.at(-1)!;
    if (word.kind === "term") {
      group.push(condition({ ...word.term, excluded: word.term.excluded !== negated }));
      negated = false;
    } else if (word.kind === "or" && group.length && !negated) alternatives.push([]);
    else if (word.kind === "not" && words[at + 1]?.kind === "term") negated = true;
    else if (word.kind !== "and" || !isBesideTerm(words, at))
      return {
        error: `${word.text} is not a field. With OR and -, only fields can be searched: ${FIELD_NAMES.map((field) => `${field}:`).join(" ")}`,
      };
  }
  if (!alternatives.at(-1)!.length) return { error: "OR must stand between two fields, such as user:ann OR user:bob." };
  const several = alternatives.length > 1;
  return { filters: { search: alternatives.map((group) => joinAll(group, several)).join(" or ") } };
}

/** `or` inside a condition needs parentheses, unless the condition is alone. */
function joinAll(group: string[], several: boolean): string {
  if (group.length === 1) return several ? group[0]!.replace(/^\((.*)\)$/, "$1") : group[0]!;
  return group.join(" and ");
}

/** A term as a condition of a query that selects the events of the filter, or all others. */
function condition({ field, value, excluded }: Term): string {
  const text = JSON.stringify(value);
  const equals = excluded ? "!=" : "=";
  switch (field) {
    case "action":
      return value.endsWith("*")
        ? `action ${excluded ? "not " : ""}startswith ${JSON.stringify(value.slice(0, -1))}`
        : `action ${equals} ${text}`;
    case "user":
      return both("user.username", "context.username", (path) => `${path} ${equals} ${text}`, excluded);
    case "app":
      return excluded
        ? `app != ${text} and app not startswith ${JSON.stringify(`${value}.`)}`
        : `(app = ${text} or app startswith ${JSON.stringify(`${value}.`)})`;
    case "ip":
      return `client_ip ${equals} ${text}`;
    case "model": {
      const [app = "", name = ""] = value.split(".");
      const parts = [
        `context.model.app ${equals} ${JSON.stringify(app)}`,
        `context.model.model_name ${equals} ${JSON.stringify(name)}`,
      ];
      return excluded ? `(${parts.join(" or ")})` : parts.join(" and ");
    }
    case "object": {
      const path = "context.model.pk";
      if (!/^\d{1,15}$/.test(value)) return `${path} ${equals} ${text}`;
      // A key may be a number or a text.
      return excluded ? `${path} not in (${text}, ${value})` : `${path} in (${text}, ${value})`;
    }
  }
}

function both(one: string, other: string, test: (path: string) => string, excluded: boolean): string {
  return excluded ? `${test(one)} and ${test(other)}` : `(${test(one)} or ${test(other)})`;
}

/** What is wrong with the value of a field. */
function errorOf({ field, value }: Term): string | undefined {
  if (field === "ip" && !isAddress(value))
    return `${value} is neither an address nor a network. Write ip:203.0.113.7 or ip:203.0.113.0/24.`;
  if (field === "action" && !/^([a-z][a-z0-9_.:-]*\*?|\*)$/.test(value))
    return `${value} is not an action. Write one such as action:login, or the beginning of several: action:model_*.`;
  return undefined;
}

function isAddress(text: string): boolean {
  const [address = "", length, more] = text.split("/");
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  const isV4 = v4?.slice(1).every((part) => Number(part) < 256 && String(Number(part)) === part) ?? false;
  const isV6 = address.includes(":") && URL.canParse(`http://[${address}]/`);
  const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (isV4 ? 32 : 128));
  return more === undefined && isLength && (isV4 || isV6);
}
