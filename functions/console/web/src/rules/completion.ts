/** Completions for the word at the caret of the rules document: from its JSON Schema, and the names that it defines. */

import { ACTIONS } from "../events/filters";
import { scalar } from "./draft";
import { type DocumentOutline, ITEM, outline, type Position } from "./yaml-position";

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
  /** The text shown, which is matched against the word. */
  label: string;
  /** The text that replaces the word. */
  text: string;
  hint: string;
  /** Whether a value has to follow. */
  open?: true;
}

export interface Completions {
  /** The index at which the replaced word begins. It ends at the caret. */
  from: number;
  /** The word to complete. Empty where a new key or value can begin. */
  word: string;
  options: Completion[];
}

const DEFAULT_TRANSPORTS = ["default-email-transport", "default-local-transport"];

/** The sections whose names a rule binds and a detection counts. */
const CONDITIONS = ["policies", "detections"];

/** The paths that refer to names defined in the document, each with the sections that define them. `*` matches one name. */
const REFERENCES: [string, string[]][] = [
  ["rules.*.group", ["groups"]],
  ["rules.*.transports.[]", ["transports"]],
  ["rules.*.policies.[]", CONDITIONS],
  ["rules.*.policies.[].policy", CONDITIONS],
  ["detections.*.*.of", CONDITIONS],
  ["detections.*.sequence.of.[]", CONDITIONS],
  ["silences.[].rules", ["rules"]],
  ["silences.[].rules.[]", ["rules"]],
];

/** The paths whose values are actions. */
const ACTION_PATHS = [
  "policies.*.event_matcher.action",
  "policies.*.event_matcher.action.[]",
  "silences.[].event_matcher.action",
  "silences.[].event_matcher.action.[]",
];

export function complete(schema: Schema, text: string, caret: number, most = 10): Completions | undefined {
  const found = outline(text, caret);
  const { position } = found;
  if (!position) return undefined;
  const wanted = position.word.replace(/^["']/, "").toLowerCase();
  const rank = ({ label }: Completion) => (label.toLowerCase().startsWith(wanted) ? 0 : 1);
  const options = candidates(schema, position, found)
    .filter(({ label }) => label.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, most);
  const complete = options.length === 1 && options[0]!.label.toLowerCase() === wanted;
  return options.length && !complete ? { from: position.from, word: position.word, options } : undefined;
}

function candidates(schema: Schema, position: Position, { named }: DocumentOutline): Completion[] {
  const nodes = schemasAt(schema, position.path);
  const found = [
    ...(position.at === "value" ? [] : keys(schema, nodes, position)),
    ...(position.at === "key" ? [] : values(nodes)),
    ...(position.at === "key" ? [] : names(position.path, named)),
    ...(position.at === "key" && matches(position.path, "retention_by_action")
      ? ACTIONS.filter((action) => !position.siblings.has(action)).map((action) => option(action, `${action}: `))
      : []),
  ];
  return found.filter((one, index) => found.findIndex((other) => other.label === one.label) === index);
}

const option = (label: string, text: string, hint = ""): Completion =>
  text.endsWith(" ") ? { label, text, hint, open: true } : { label, text, hint };

function keys(schema: Schema, nodes: Schema[], position: Position): Completion[] {
  return nodes.flatMap((node) => {
    const allowed = node.allOf?.find(({ if: when }) => holds(when, position.siblings))?.then.propertyNames?.enum;
    const names = Object.entries(node.properties ?? {}).filter(
      ([name]) => !position.siblings.has(name) && (allowed?.includes(name) ?? true),
    );
    return names.map(([name, property]) =>
      option(
        name,
        name + opening(schema, property, position.indent),
        property.description ?? expand(schema, property)[0]?.description,
      ),
    );
  });
}

/** The text after a new key: a space, or a new line if the value is an object or a list. */
function opening(schema: Schema, property: Schema, indent: number | undefined): string {
  const kinds = expand(schema, property).map((node) => [node.type].flat());
  const deep = indent === undefined ? "" : `:\n${" ".repeat(indent + 2)}`;
  if (deep && kinds.every((types) => types.includes("object") && !types.includes("string"))) return deep;
  if (deep && kinds.every((types) => types.includes("array"))) return `${deep}- `;
  return ": ";
}

/** Whether the keys next to the word fulfil the condition. */
function holds(when: Schema, siblings: Map<string, string>): boolean {
  return Object.entries(when.properties ?? {}).every(
    ([name, { const: value }]) =>
      siblings
        .get(name)
        ?.replace(/["'#].*$/, "")
        .trim() === value,
  );
}

function values(nodes: Schema[]): Completion[] {
  return nodes.flatMap((node) => {
    const types = [node.type].flat();
    const known = [...(node.enum ?? []), ...(types.includes("boolean") ? [true, false] : [])];
    const examples = [node.default, ...(node.examples ?? [])].filter(
      (value) => typeof value !== "object" && value !== undefined && !known.includes(value),
    );
    const hint = (value: unknown) => (value === node.default ? "the default" : "");
    return [
      ...known.map((value) => written(value, hint(value))),
      ...examples.map((value) => written(value, hint(value) || "for example")),
    ];
  });
}

const written = (value: unknown, hint: string) => ({
  label: String(value),
  text: typeof value === "string" ? scalar(value) : String(value),
  hint,
});

function names(path: string[], named: DocumentOutline["named"]): Completion[] {
  const sections = REFERENCES.find(([pattern]) => matches(path, pattern))?.[1] ?? [];
  const defined = sections.flatMap((section) => [
    ...(named.get(section) ?? []),
    ...(section === "transports" ? DEFAULT_TRANSPORTS : []),
  ]);
  const actions = ACTION_PATHS.some((pattern) => matches(path, pattern)) ? ACTIONS : [];
  return [...defined, ...actions].map((name) => ({ label: name, text: scalar(name), hint: "" }));
}

function matches(path: string[], pattern: string): boolean {
  const parts = pattern.split(".");
  return parts.length === path.length && parts.every((part, index) => part === "*" || part === path[index]);
}

/** The schemas at the path: several if there are alternatives. */
function schemasAt(schema: Schema, path: string[]): Schema[] {
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

/** Resolves references and splits alternatives. Keywords next to a `$ref` override the referenced schema's. */
function expand(schema: Schema, node: Schema): Schema[] {
  const { $ref, anyOf, ...own } = node;
  if ($ref)
    return expand(schema, schema.$defs?.[$ref.replace("#/$defs/", "")] ?? {}).map((referred) => ({
      ...referred,
      ...own,
    }));
  return anyOf ? anyOf.flatMap((one) => expand(schema, one)).map((one) => ({ ...own, ...one })) : [own];
}
