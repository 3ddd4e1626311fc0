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
  /** What storm control would have kept back: by rule, then by mechanism. */
  suppressed: Record<string, Record<string, number>>;
}

export const nothing = (): Report => ({ events: 0, rules: {}, differences: {}, messages: {}, suppressed: {} });

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
  addUp(sum.messages, older.messages);
  addUp(sum.suppressed, older.suppressed);
  return sum;
}

function addUp(sum: Record<string, Record<string, number>>, older: Record<string, Record<string, number>>): void {
  for (const [rule, counts] of Object.entries(older)) {
    const counted = own<Record<string, number>>(sum, rule, () => ({}));
    for (const [key, number] of Object.entries(counts)) counted[key] = own(counted, key, () => 0) + number;
  }
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

/** The most events that one request tries: throttles and digests begin anew with each. */
const PART = 100_000;

/** Walks the stored events since then, newest first, telling how far it is and how many parts it took. */
export async function rehearse(
  document: string,
  since: Date,
  progress: (report: Report, done: boolean, parts: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let report = nothing();
  let cursor: string | null = null;
  let parts = 0;
  do {
    const response: Response = await request("/v1/rules/dry-run", {
      method: "POST",
      query: { since: since.toISOString(), cursor, limit: PART },
      text: document,
      headers: { "Content-Type": "application/yaml" },
      signal,
    });
    const part = (await response.json()) as { report: Report; next: string | null };
    report = add(report, part.report);
    cursor = part.next;
    progress(report, cursor === null, ++parts);
  } while (cursor !== null);
}
