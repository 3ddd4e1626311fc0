/** Values out of events. Everything becomes text; nothing becomes markup, and nothing reorders its neighbours. */

import { useState } from "preact/hooks";
import { count, isObject, plain, visible } from "../text";
import type { Json, JsonObject } from "../types";

/** Longer ones are cut until somebody asks for the rest. */
const SHORT = 600;
const MOST_ENTRIES = 60;

export function Text({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const long = text.length > SHORT;
  return (
    <>
      <bdi class="text">{visible(long && !whole ? text.slice(0, SHORT) : text)}</bdi>
      {long && (
        <button type="button" class="more" onClick={() => setWhole(!whole)}>
          {whole ? "Show less" : `… show all ${count(text.length)} characters`}
        </button>
      )}
    </>
  );
}

/** Scalars as text, lists of scalars in a row, objects as a table in the table. */
export function Value({ value }: { value: Json | undefined }) {
  if (typeof value === "string") return value === "" ? <span class="dim">empty</span> : <Text text={value} />;
  if (value === null || value === undefined) return <span class="dim">none</span>;
  if (typeof value !== "object") return <span class="number">{plain(value)}</span>;
  if (Array.isArray(value)) {
    if (!value.length) return <span class="dim">empty list</span>;
    if (value.every((item) => typeof item !== "object" || item === null)) return <Text text={value.map(plain).join(", ")} />;
    const columns = columnsOf(value);
    if (columns) return <Listed rows={value as JsonObject[]} columns={columns} />;
    return <Entries entries={value.map((item, at) => [String(at + 1), item])} />;
  }
  const entries = Object.entries(value);
  return entries.length ? <Entries entries={entries} /> : <span class="dim">empty</span>;
}

const MOST_COLUMNS = 5;
const MOST_ROWS = 100;

/** The keys of a list of small flat objects that are alike; such a list is a table. */
function columnsOf(value: Json[]): string[] | undefined {
  if (value.length > MOST_ROWS || !value.every(isObject)) return undefined;
  const keys = [...new Set(value.flatMap((item) => Object.keys(item)))];
  const flat = value.every((item) => Object.values(item).every((one) => typeof one !== "object" && String(one).length < 80));
  return flat && keys.length > 0 && keys.length <= MOST_COLUMNS ? keys : undefined;
}

function Listed({ rows, columns }: { rows: JsonObject[]; columns: string[] }) {
  return (
    <table class="listed">
      <thead>
        <tr>
          {columns.map((key) => (
            <th key={key} scope="col">
              <bdi>{visible(key)}</bdi>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={at}>
            {columns.map((key) => (
              <td key={key}>{key in row && <Value value={row[key]} />}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Entries({ entries }: { entries: [string, Json | undefined][] }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? entries : entries.slice(0, MOST_ENTRIES);
  return (
    <>
      <dl class="entries">
        {shown.map(([key, value], at) => (
          <div key={at} class={isObject(value) && Object.keys(value).length ? "entry nested" : "entry"}>
            <dt>
              <bdi>{visible(key.slice(0, 200))}</bdi>
            </dt>
            <dd>
              <Value value={value} />
            </dd>
          </div>
        ))}
      </dl>
      {shown.length < entries.length && (
        <button type="button" class="more" onClick={() => setWhole(true)}>
          Show all {count(entries.length)} entries
        </button>
      )}
    </>
  );
}
