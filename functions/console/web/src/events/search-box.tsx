/** The search box: a combobox with suggestions for the word before the caret. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../components/icons";
import { Suggestions } from "../components/suggestions";
import { type KnownValues, type Suggestion, suggest } from "./filters";
import "./search-box.css";

interface Properties {
  text: string;
  known: KnownValues;
  submit: (text: string) => void;
}

export function SearchBox({ text, known, submit }: Properties) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(text);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  /** The caret's position after the chosen suggestion is rendered. */
  const nextCaret = useRef<number | undefined>(undefined);
  // A layout effect runs before the next key is handled. An effect after painting would undo keys typed in between.
  useLayoutEffect(() => setTyped(text), [text]);
  useLayoutEffect(() => {
    if (nextCaret.current === undefined) return;
    input.current?.setSelectionRange(nextCaret.current, nextCaret.current);
    nextCaret.current = undefined;
  });
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);

  const caret = input.current?.selectionStart ?? typed.length;
  const before = typed.slice(0, caret);
  const word = /(?:\w+:)?"[^"]*$|\S*$/.exec(before)?.[0] ?? "";
  const suggestions: Suggestion[] = open ? suggest(word, known) : [];
  const take = (suggestion: Suggestion) => {
    const head = before.slice(0, before.length - word.length) + suggestion.label + (suggestion.open ? "" : " ");
    setChosen(-1);
    nextCaret.current = head.length;
    setTyped(head + typed.slice(caret));
    if (!suggestion.open) {
      setOpen(false);
      submit(head + typed.slice(caret));
    }
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const chosenOne = suggestions[chosen];
    if (event.key === "ArrowDown" && !open) setOpen(true);
    else if (event.key === "ArrowDown") setChosen(Math.min(chosen + 1, suggestions.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(chosen - 1, -1));
    else if (event.key === "Escape" && open) setOpen(false);
    else if ((event.key === "Enter" || event.key === "Tab") && chosenOne) take(chosenOne);
    else if (event.key === "Enter") {
      setOpen(false);
      submit(typed);
    } else return;
    event.preventDefault();
  };
  return (
    <div class="search-box">
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label="Search events"
        aria-expanded={suggestions.length > 0}
        aria-controls="suggestions"
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 ? `suggestions-${chosen}` : undefined}
        placeholder="Search, action: user: app: ip:, or context.geo.country = &quot;DE&quot;"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setOpen(true);
          setChosen(-1);
        }}
        onKeyDown={onKeyDown}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
      />
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: a kbd element is not focusable */}
      <kbd aria-hidden="true">/</kbd>
      <Suggestions id="suggestions" options={suggestions} chosen={chosen} take={take} />
    </div>
  );
}

/** Whether a key press goes into an input field. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    (target.matches("input, textarea, select") || (target as HTMLElement).isContentEditable)
  );
}
