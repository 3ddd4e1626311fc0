/** What a word may become, below or above the field it stands in; the field keeps the focus. */

import { useEffect, useRef } from "preact/hooks";

export interface Offered {
  label: string;
  hint: string;
}

interface Properties<T> {
  /** The list's own; an option's is this and its number. */
  id: string;
  options: T[];
  /** Less than 0 is none. */
  chosen: number;
  take: (option: T) => void;
  style?: Record<string, string>;
}

export function Suggestions<T extends Offered>({ id, options, chosen, take, style }: Properties<T>) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }), [chosen]);
  return (
    <ul ref={list} id={id} role="listbox" aria-label="Suggestions" class="suggestions" hidden={!options.length} style={style}>
      {options.map((option, at) => (
        <li
          key={option.label}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === chosen}
          onPointerDown={(event) => {
            event.preventDefault();
            take(option);
          }}
        >
          <bdi class="mono">{option.label}</bdi>
          {option.hint && <span class="dim">{option.hint}</span>}
        </li>
      ))}
    </ul>
  );
}
