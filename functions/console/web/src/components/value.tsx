/** Values from events, always shown as text: never as markup, and isolated so that they cannot reorder their neighbours. */

import { useState } from "preact/hooks";
import type { Json, JsonObject } from "../api/types";
import { count, isObject, plain, visible } from "../format/text";
import "./value.css";

/** Longer texts are truncated until the user asks for the rest. */
const MAX_LENGTH = 600;
const MAX_ENTRIES = 60;

export function Text({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const long = text.length > MAX_LENGTH;
  return (
    <>
      <bdi class="text">{visible(long && !whole ? text.slice(0, MAX_LENGTH) : text)}</bdi>
      {long && (
        <button type="button" class="more" onClick={() => setWhole(!whole)}>
          {whole ? "Show less" : `… show all ${count(text.length)} characters`}
        </button>
      )}
    </>
  );
}

/** Shows scalars as text, lists of scalars in one line, and objects as nested entries. */
export function Value({ value }: { value: Json | undefined }) {
  if (typeof value === "string") return value === "" ? <span class="dim">empty</span> : <Text text={value} />;
  if (value === null || value === undefined) return <span class="dim">none</span>;
  if (typeof value !== "object") return <span class="number">{plain(value)}</span>;
  if (Array.isArray(value)) {
    if (!value.length) return <span class="dim">empty list</span>;
    if (value.every((item) => typeof item !== "object" || item === null))
      return <Text text={value.map(plain).join(", ")} />;
    const columns = columnsOf(value);
    if (columns) return <ValueTable rows={value as JsonObject[]} columns={columns} />;
    return <Entries entries={value.map((item, at) => [String(at + 1), item])} />;
  }
  const entries = Object.entries(value);
  return entries.length ? <Entries entries={entries} /> : <span class="dim">empty</span>;
}

const MAX_COLUMNS = 5;
/** The most characters in all column titles: titles are not broken, and must fit a phone. */
const MAX_TITLES = 32;
const MAX_ROWS = 100;

/** The columns, if the list consists of small flat objects and so can be shown as a table. */
function columnsOf(value: Json[]): string[] | undefined {
  if (value.length > MAX_ROWS || !value.every(isObject)) return undefined;
  const keys = [...new Set(value.flatMap((item) => Object.keys(item)))];
  const flat = value.every((item) =>
    Object.values(item).every((one) => typeof one !== "object" && String(one).length < 80),
  );
  const fits = keys.length > 0 && keys.length <= MAX_COLUMNS && keys.join("").length <= MAX_TITLES;
  return flat && fits ? keys : undefined;
}

function ValueTable({ rows, columns }: { rows: JsonObject[]; columns: string[] }) {
  return (
    <table class="value-table">
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

/** Whether the value is shown as nested entries or as a table. */
function hasParts(value: Json | undefined): boolean {
  return Array.isArray(value) ? value.some(isObject) : isObject(value) && Object.keys(value).length > 0;
}

export function Entries({ entries }: { entries: [string, Json | undefined][] }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? entries : entries.slice(0, MAX_ENTRIES);
  return (
    <>
      <dl class="entries">
        {shown.map(([key, value], at) => (
          <div key={at} class={hasParts(value) ? "entry nested" : "entry"}>
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
