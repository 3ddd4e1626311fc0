/** Trying rules on stored events: the server does a part at a time, and the parts add up here. */

import { request } from "./api";

interface Counts {
  matches: number;
  deliveries: number;
}

export interface Compared {
  old: Counts;
  new: Counts;
}

export interface Difference {
  gained: number;
  gained_examples: string[];
  lost: number;
  lost_examples: string[];
}

export interface Report {
  events: number;
  rules: Record<string, Record<string, Compared>>;
  differences: Record<string, Difference>;
  messages: Record<string, Record<string, number>>;
}

export const nothing = (): Report => ({ events: 0, rules: {}, differences: {}, messages: {} });

const EXAMPLES = 5;
const own = <T,>(record: Record<string, T>, name: string, empty: () => T): T =>
  Object.hasOwn(record, name) ? record[name]! : (record[name] = empty());
const none = (): Compared => ({ old: { matches: 0, deliveries: 0 }, new: { matches: 0, deliveries: 0 } });

/** The sum of a report and that of an older part of the history. */
export function add(report: Report, older: Report): Report {
  const sum = structuredClone(report);
  sum.events += older.events;
  for (const [rule, days] of Object.entries(older.rules)) {
    for (const [day, compared] of Object.entries(days)) {
      const counted = own(own<Record<string, Compared>>(sum.rules, rule, () => ({})), day, none);
      for (const side of ["old", "new"] as const) {
        counted[side].matches += compared[side].matches;
        counted[side].deliveries += compared[side].deliveries;
      }
    }
  }
  for (const [rule, found] of Object.entries(older.differences)) {
    const empty = (): Difference => ({ gained: 0, gained_examples: [], lost: 0, lost_examples: [] });
    const difference = own(sum.differences, rule, empty);
    difference.gained += found.gained;
    difference.lost += found.lost;
    difference.gained_examples = [...difference.gained_examples, ...found.gained_examples].slice(0, EXAMPLES);
    difference.lost_examples = [...difference.lost_examples, ...found.lost_examples].slice(0, EXAMPLES);
  }
  for (const [rule, people] of Object.entries(older.messages)) {
    const told = own<Record<string, number>>(sum.messages, rule, () => ({}));
    for (const [person, messages] of Object.entries(people)) told[person] = (told[person] ?? 0) + messages;
  }
  return sum;
}

/** All days of a rule together. */
export function total(report: Report, rule: string): Compared {
  const sum = none();
  for (const compared of Object.values(report.rules[rule] ?? {})) {
    for (const side of ["old", "new"] as const) {
      sum[side].matches += compared[side].matches;
      sum[side].deliveries += compared[side].deliveries;
    }
  }
  return sum;
}

/** Walks the stored events since then, newest first, telling how far it is. */
export async function rehearse(
  document: string,
  since: Date,
  progress: (report: Report, done: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  let report = nothing();
  let cursor: string | null = null;
  do {
    const response: Response = await request("/v1/rules/dry-run", {
      method: "POST",
      query: { since: since.toISOString(), cursor },
      text: document,
      headers: { "Content-Type": "application/yaml" },
      signal,
    });
    const part = (await response.json()) as { report: Report; next: string | null };
    report = add(report, part.report);
    cursor = part.next;
    progress(report, cursor === null);
  } while (cursor !== null);
}
