/** The suggestions for the word in an input field. The focus stays in the field. */

import { useEffect, useRef } from "preact/hooks";
import "./suggestions.css";

export interface Suggestion {
  label: string;
  hint: string;
}

interface Properties<T> {
  /** The element id of the list. The options' ids are this, a hyphen and their index. */
  id: string;
  options: T[];
  /** The index of the selected option, or -1. */
  chosen: number;
  take: (option: T) => void;
  style?: Record<string, string>;
}

export function Suggestions<T extends Suggestion>({ id, options, chosen, take, style }: Properties<T>) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(
    () => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }),
    [chosen],
  );
  return (
    <ul
      ref={list}
      id={id}
      role="listbox"
      aria-label="Suggestions"
      class="suggestions"
      hidden={!options.length}
      style={style}
    >
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
