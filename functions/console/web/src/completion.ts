/** What the word at the caret of the rules document may become: by the document's own schema, and by the names it defines. */

import { scalar } from "./draft";
import { ACTIONS } from "./filters";
import { ITEM, type Outline, type Place, outline } from "./yaml-place";

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: { if: Schema; then: { propertyNames?: Schema } }[];
}

export interface Completion {
  /** What is shown, and matched against the word. */
  label: string;
  /** What takes the word's place. */
  text: string;
  hint: string;
  /** Whether its value is next. */
  open?: true;
}

export interface Completions {
  /** What is replaced: from here to the caret. */
  from: number;
  /** Whether there is a word to complete, or only a place where something fits. */
  word: string;
  options: Completion[];
}

const DEFAULT_TRANSPORTS = ["default-email-transport", "default-local-transport"];

/** Where the document refers to what it defines, `*` standing for any one name: the section of the names. */
const REFERENCES: [string, string][] = [
  ["rules.*.group", "groups"],
  ["rules.*.transports.[]", "transports"],
  ["rules.*.policies.[]", "policies"],
  ["rules.*.policies.[].policy", "policies"],
  ["silences.[].rules", "rules"],
  ["silences.[].rules.[]", "rules"],
];

/** Where actions are named. */
const OF_ACTIONS = ["policies.*.event_matcher.action", "policies.*.event_matcher.action.[]", "silences.[].event_matcher.action", "silences.[].event_matcher.action.[]"];

export function complete(schema: Schema, text: string, caret: number, most = 10): Completions | undefined {
  const found = outline(text, caret);
  const { place } = found;
  if (!place) return undefined;
  const wanted = place.word.replace(/^["']/, "").toLowerCase();
  const rank = ({ label }: Completion) => (label.toLowerCase().startsWith(wanted) ? 0 : 1);
  const options = fitting(schema, place, found)
    .filter(({ label }) => label.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, most);
  const complete = options.length === 1 && options[0]!.label.toLowerCase() === wanted;
  return options.length && !complete ? { from: place.from, word: place.word, options } : undefined;
}

function fitting(schema: Schema, place: Place, { named }: Outline): Completion[] {
  const nodes = at(schema, place.path);
  const found = [
    ...(place.at === "value" ? [] : keys(schema, nodes, place)),
    ...(place.at === "key" ? [] : values(nodes)),
    ...(place.at === "key" ? [] : names(place.path, named)),
    ...(place.at === "key" && matches(place.path, "retention_by_action") ? ACTIONS.filter((action) => !place.beside.has(action)).map((action) => option(action, `${action}: `)) : []),
  ];
  return found.filter((one, index) => found.findIndex((other) => other.label === one.label) === index);
}

const option = (label: string, text: string, hint = ""): Completion => (text.endsWith(" ") ? { label, text, hint, open: true } : { label, text, hint });

function keys(schema: Schema, nodes: Schema[], place: Place): Completion[] {
  return nodes.flatMap((node) => {
    const allowed = node.allOf?.find(({ if: when }) => holds(when, place.beside))?.then.propertyNames?.enum;
    const names = Object.entries(node.properties ?? {}).filter(([name]) => !place.beside.has(name) && (allowed?.includes(name) ?? true));
    return names.map(([name, property]) => option(name, name + opening(schema, property, place.indent), property.description ?? expand(schema, property)[0]?.description));
  });
}

/** What follows a new key: on the same line where its value fits there. */
function opening(schema: Schema, property: Schema, indent: number | undefined): string {
  const kinds = expand(schema, property).map((node) => [node.type].flat());
  const deep = indent === undefined ? "" : `:\n${" ".repeat(indent + 2)}`;
  if (deep && kinds.every((types) => types.includes("object") && !types.includes("string"))) return deep;
  if (deep && kinds.every((types) => types.includes("array"))) return `${deep}- `;
  return ": ";
}

/** Whether what the condition says of other keys is so. */
function holds(when: Schema, beside: Map<string, string>): boolean {
  return Object.entries(when.properties ?? {}).every(([name, { const: value }]) => beside.get(name)?.replace(/["'#].*$/, "").trim() === value);
}

function values(nodes: Schema[]): Completion[] {
  return nodes.flatMap((node) => {
    const types = [node.type].flat();
    const known = [...(node.enum ?? []), ...(types.includes("boolean") ? [true, false] : [])];
    const examples = [node.default, ...(node.examples ?? [])].filter((value) => typeof value !== "object" && value !== undefined && !known.includes(value));
    const hint = (value: unknown) => (value === node.default ? "the default" : "");
    return [...known.map((value) => written(value, hint(value))), ...examples.map((value) => written(value, hint(value) || "for example"))];
  });
}

const written = (value: unknown, hint: string) => ({ label: String(value), text: typeof value === "string" ? scalar(value) : String(value), hint });

function names(path: string[], named: Outline["named"]): Completion[] {
  const section = REFERENCES.find(([pattern]) => matches(path, pattern))?.[1];
  const defined = section ? [...(named.get(section) ?? []), ...(section === "transports" ? DEFAULT_TRANSPORTS : [])] : [];
  const actions = OF_ACTIONS.some((pattern) => matches(path, pattern)) ? ACTIONS : [];
  return [...defined, ...actions].map((name) => ({ label: name, text: scalar(name), hint: "" }));
}

function matches(path: string[], pattern: string): boolean {
  const parts = pattern.split(".");
  return parts.length === path.length && parts.every((part, index) => part === "*" || part === path[index]);
}

/** What the schema says of the place: several where there are alternatives. */
function at(schema: Schema, path: string[]): Schema[] {
  let nodes = expand(schema, schema);
  for (const step of path) {
    nodes = nodes.flatMap((node) => {
      const own = node.properties && Object.hasOwn(node.properties, step) ? node.properties[step] : undefined;
      const next = step === ITEM ? node.items : (own ?? node.additionalProperties);
      return typeof next === "object" ? expand(schema, next) : [];
    });
  }
  return nodes;
}

/** References followed, alternatives apart; what stands beside a reference counts more. */
function expand(schema: Schema, node: Schema): Schema[] {
  const { $ref, anyOf, ...own } = node;
  if ($ref) return expand(schema, schema.$defs?.[$ref.replace("#/$defs/", "")] ?? {}).map((referred) => ({ ...referred, ...own }));
  return anyOf ? anyOf.flatMap((one) => expand(schema, one)).map((one) => ({ ...own, ...one })) : [own];
}
