/** What changed: in a model, by its fields; in a document, by its lines. */

import { isObject } from "./text";
import type { Json, JsonObject } from "./types";

export interface FieldChange {
  field: string;
  before?: Json;
  after?: Json;
  /** Members of a relation: `add`, `remove`, `clear`. */
  relation?: { kind: string; members: Json }[];
}

/** Reads `context.diff`: `{field: {previous_value, new_value}}` or `{relation: {add | remove: [pk]}}`. */
export function fieldChanges(diff: Json | undefined): FieldChange[] {
  if (!isObject(diff)) return [];
  return Object.entries(diff).flatMap(([field, change]): FieldChange[] => {
    if (!isObject(change)) return [{ field, after: change }];
    if ("previous_value" in change || "new_value" in change) return inside(field, change.previous_value, change.new_value);
    return [{ field, relation: Object.entries(change).map(([kind, members]) => ({ kind, members })) }];
  });
}

const MOST_DEPTH = 6;

/** Of two objects, or of one that came or went, what differs in them, each by its path. */
function inside(field: string, before: Json | undefined, after: Json | undefined, depth = 0): FieldChange[] {
  const [old, now] = [members(before), members(after)];
  const keys = old && now && depth < MOST_DEPTH ? [...new Set([...Object.keys(old), ...Object.keys(now)])] : [];
  const differing = keys.filter((key) => JSON.stringify(old![key]) !== JSON.stringify(now![key]));
  if (!differing.length) return [{ field, before, after }];
  return differing.flatMap((key) => inside(`${field}.${key}`, old![key], now![key], depth + 1));
}

/** Nothing is an object without any. */
function members(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : value === null || value === undefined ? {} : undefined;
}

export interface Line {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Line by line, by the longest common subsequence (Hunt and McIlroy, 1976), common ends taken off first. */
export function lineChanges(before: string, after: string): Line[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (lines: string[]): Line[] => lines.map((text) => ({ kind: "same", text }));
  const middle = between(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...same(a.slice(0, start)), ...middle, ...same(a.slice(a.length - end))];
}

/** Above this many comparisons, all is shown as replaced. */
const MOST = 4_000_000;

function between(a: string[], b: string[]): Line[] {
  const removed = (text: string): Line => ({ kind: "removed", text });
  const added = (text: string): Line => ({ kind: "added", text });
  if (a.length * b.length > MOST) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      longest[at] = a[i] === b[j] ? longest[at + width + 1]! + 1 : Math.max(longest[at + width]!, longest[at + 1]!);
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i]! });
      i += 1;
      j += 1;
    } else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) lines.push(removed(a[i++]!));
    else lines.push(added(b[j++]!));
  }
  return [...lines, ...a.slice(i).map(removed), ...b.slice(j).map(added)];
}

/** Only what changed, with some lines around it; gaps are `undefined`. */
export function hunks(lines: Line[], around = 3): (Line | undefined)[] {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some((line) => line.kind !== "same"));
  const shown: (Line | undefined)[] = [];
  lines.forEach((line, at) => {
    if (near[at]) shown.push(line);
    else if (at > 0 && near[at - 1] && near.indexOf(true, at) > 0) shown.push(undefined);
  });
  return shown;
}
