/** The changes to a model's fields that an event reports. */

import type { Json, JsonObject } from "../api/types";
import { isObject } from "../format/text";

export interface FieldChange {
  field: string;
  before?: Json;
  after?: Json;
  /** Changes of a relation's members, by kind: `add`, `remove` or `clear`. */
  relation?: { kind: string; members: Json }[];
}

/** Parses `context.diff`: `{field: {previous_value, new_value}}` or `{relation: {add | remove: [pk]}}`. */
export function fieldChanges(diff: Json | undefined): FieldChange[] {
  if (!isObject(diff)) return [];
  return Object.entries(diff).flatMap(([field, change]): FieldChange[] => {
    if (!isObject(change)) return [{ field, after: change }];
    if ("previous_value" in change || "new_value" in change)
      return nestedChanges(field, change.previous_value, change.new_value);
    return [{ field, relation: Object.entries(change).map(([kind, members]) => ({ kind, members })) }];
  });
}

const MAX_DEPTH = 6;

/** The differences inside two objects, each with its path. An added or removed object is compared with an empty one. */
function nestedChanges(field: string, before: Json | undefined, after: Json | undefined, depth = 0): FieldChange[] {
  const [old, now] = [members(before), members(after)];
  const keys = old && now && depth < MAX_DEPTH ? [...new Set([...Object.keys(old), ...Object.keys(now)])] : [];
  const differing = keys.filter((key) => JSON.stringify(old![key]) !== JSON.stringify(now![key]));
  if (!differing.length) return [{ field, before, after }];
  return differing.flatMap((key) => nestedChanges(`${field}.${key}`, old![key], now![key], depth + 1));
}

/** The members of an object. `null` and `undefined` have none; other values are not objects. */
function members(value: Json | undefined): JsonObject | undefined {
  return isObject(value) ? value : value === null || value === undefined ? {} : undefined;
}
