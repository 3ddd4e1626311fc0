/** Dry runs of rules on stored events. The server tries one part of the log per request; the reports are added up here. */

import { request } from "../api/client";
import type { DryRunComparison, DryRunDifference, DryRunReport } from "../api/types";

export const emptyReport = (): DryRunReport => ({
  events: 0,
  rules: {},
  differences: {},
  messages: {},
  suppressed: {},
});

const MAX_EXAMPLES = 5;
/** The value of an own property, set to `empty()` if it is missing. A rule may be named `constructor`. */
function own<T>(record: Record<string, T>, name: string, empty: () => T): T {
  if (!Object.hasOwn(record, name)) record[name] = empty();
  return record[name]!;
}

const noCounts = (): DryRunComparison => ({ old: { matches: 0, deliveries: 0 }, new: { matches: 0, deliveries: 0 } });

/** Adds the report on an older part of the log to a report. */
export function add(report: DryRunReport, older: DryRunReport): DryRunReport {
  const sum = structuredClone(report);
  sum.events += older.events;
  for (const [rule, days] of Object.entries(older.rules)) {
    for (const [day, compared] of Object.entries(days)) {
      const counted = own(
        own<Record<string, DryRunComparison>>(sum.rules, rule, () => ({})),
        day,
        noCounts,
      );
      for (const side of ["old", "new"] as const) {
        counted[side].matches += compared[side].matches;
        counted[side].deliveries += compared[side].deliveries;
      }
    }
  }
  for (const [rule, found] of Object.entries(older.differences)) {
    const empty = (): DryRunDifference => ({ gained: 0, gained_examples: [], lost: 0, lost_examples: [] });
    const difference = own(sum.differences, rule, empty);
    difference.gained += found.gained;
    difference.lost += found.lost;
    difference.gained_examples = [...difference.gained_examples, ...found.gained_examples].slice(0, MAX_EXAMPLES);
    difference.lost_examples = [...difference.lost_examples, ...found.lost_examples].slice(0, MAX_EXAMPLES);
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

/** The counts of a rule, summed over all days. */
export function total(report: DryRunReport, rule: string): DryRunComparison {
  const sum = noCounts();
  for (const compared of Object.values(report.rules[rule] ?? {})) {
    for (const side of ["old", "new"] as const) {
      sum[side].matches += compared[side].matches;
      sum[side].deliveries += compared[side].deliveries;
    }
  }
  return sum;
}

/** The most events that one request tries. Large, because throttles and digests restart with each request. */
const PART_SIZE = 100_000;

/**
 * Tries the rules `document` on the stored events since `since`, newest first. Calls `progress` after each part with the
 * report so far, whether it is complete, and the number of parts.
 */
export async function dryRun(
  document: string,
  since: Date,
  progress: (report: DryRunReport, done: boolean, parts: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let report = emptyReport();
  let cursor: string | null = null;
  let parts = 0;
  do {
    const response: Response = await request("/v1/rules/dry-run", {
      method: "POST",
      query: { since: since.toISOString(), cursor, limit: PART_SIZE },
      text: document,
      headers: { "Content-Type": "application/yaml" },
      signal,
    });
    const part = (await response.json()) as { report: DryRunReport; next: string | null };
    report = add(report, part.report);
    cursor = part.next;
    progress(report, cursor === null, ++parts);
  } while (cursor !== null);
}
