/** Values out of events. Everything becomes text; nothing becomes markup, and nothing reorders its neighbours. */

import { useState } from "preact/hooks";
import { count, isObject, plain, visible } from "../text";
import type { Json } from "../types";

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
    return <Entries entries={value.map((item, at) => [String(at + 1), item])} />;
  }
  const entries = Object.entries(value);
  return entries.length ? <Entries entries={entries} /> : <span class="dim">empty</span>;
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
