/** The text field of the rules document: completes keys and values by the schema, and indents new lines. */

import { useState } from "preact/hooks";
import nuncio from "../../../../rulesfile/nuncio.schema.json";
import { Suggestions } from "../components/suggestions";
import { type Completion, type Completions, complete, type Schema } from "./completion";
import "./yaml-field.css";

const schema = nuncio as Schema;

/** The line height and the padding in pixels, as in the style sheet. */
const LINE_HEIGHT = 18;
const PADDING = { top: 10, left: 12 };

interface Properties {
  area: { current: HTMLTextAreaElement | null };
  text: string;
  change: (text: string) => void;
  invalid: boolean;
}

export function YamlField({ area, text, change, invalid }: Properties) {
  const [completions, setCompletions] = useState<Completions>();
  const [chosen, setChosen] = useState(-1);
  const close = () => setCompletions(undefined);
  /** Updates the completions. Unless requested, only while a word is typed, or right after the start of a value or item. */
  const update = (requested: boolean) => {
    const field = area.current!;
    const found =
      field.selectionStart === field.selectionEnd ? complete(schema, field.value, field.selectionStart) : undefined;
    setCompletions(
      found && (requested || found.word || /([:,-] |[[{] ?)$/.test(field.value.slice(0, field.selectionStart)))
        ? found
        : undefined,
    );
    setChosen(-1);
  };
  const take = (option: Completion) => {
    const field = area.current!;
    field.setSelectionRange(completions!.from, field.selectionStart);
    insertText(field, option.text);
    if (option.open) update(true);
    else close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const field = area.current!;
    const options = completions?.options ?? [];
    if (event.isComposing) return;
    if (event.key === " " && event.ctrlKey) update(true);
    else if (event.key === "ArrowDown" && completions) setChosen(Math.min(chosen + 1, options.length - 1));
    else if (event.key === "ArrowUp" && completions && chosen >= 0) setChosen(chosen - 1);
    else if (event.key === "Escape" && completions) close();
    else if (event.key === "Enter" && options[chosen]) take(options[chosen]);
    else if (event.key === "Tab" && !event.shiftKey && options.length) take(options[Math.max(chosen, 0)]!);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey)
      insertText(field, `\n${indentAfter(field.value.slice(0, field.selectionStart))}`);
    else {
      if (/^(Arrow|Home|End|Page)/.test(event.key)) close();
      return;
    }
    event.preventDefault();
  };
  return (
    <div class="yaml-field">
      <textarea
        ref={area}
        aria-label="The rules document"
        aria-describedby="faults"
        aria-invalid={invalid}
        aria-autocomplete="list"
        aria-controls="completions"
        aria-activedescendant={completions && chosen >= 0 ? `completions-${chosen}` : undefined}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        value={text}
        onInput={(event) => {
          change(event.currentTarget.value);
          if ((event as InputEvent).inputType === "insertText" || completions) update(false);
        }}
        onKeyDown={onKeyDown}
        onScroll={() => completions && setCompletions({ ...completions })}
        onBlur={close}
        onPointerDown={close}
      />
      <Suggestions
        id="completions"
        options={completions?.options ?? []}
        chosen={chosen}
        take={take}
        style={completions && area.current ? suggestionsPosition(area.current, completions.from) : undefined}
      />
    </div>
  );
}

/** Inserts the text as if the user had typed it, so that it can be undone. */
function insertText(field: HTMLTextAreaElement, text: string): void {
  field.focus();
  // Deprecated, but the only way that the browser's undo supports.
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  // The browser scrolls to typed text, but not to inserted text.
  const below = lineTop(field, field.selectionStart) + 2 * LINE_HEIGHT - field.clientHeight;
  if (below > 0) field.scrollTop += below;
}

/** The distance of the line at `at` from the field's upper edge, in pixels. */
function lineTop(field: HTMLTextAreaElement, at: number): number {
  return PADDING.top + (field.value.slice(0, at).split("\n").length - 1) * LINE_HEIGHT - field.scrollTop;
}

/** The indentation of a new line: as the line before, or deeper after a key or an item with a nested value. */
function indentAfter(before: string): string {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const indent = /^ */.exec(line)![0];
  if (/^\s*- \S/.test(line) && /:(\s|$)/.test(line)) return `${indent}  ${/:\s*$/.test(line) ? "  " : ""}`;
  return /:\s*[|>]?[-+]?\s*$/.test(line) ? `${indent}  ` : indent;
}

/** The position of the suggestions: below the word, or above it if there is more room. Hidden if the word is. */
function suggestionsPosition(field: HTMLTextAreaElement, at: number): Record<string, string> {
  const [top, height] = [lineTop(field, at), field.clientHeight];
  if (top < 0 || top > height) return { display: "none" };
  const column = at - (field.value.lastIndexOf("\n", at - 1) + 1);
  const left = `min(calc(${PADDING.left - field.scrollLeft}px + ${column}ch), max(0px, 100% - 320px))`;
  if (top > height / 2) return { left, top: "auto", bottom: `${height - top + 2}px`, maxHeight: `${top - 8}px` };
  return { left, top: `${top + LINE_HEIGHT + 2}px`, maxHeight: `${height - top - LINE_HEIGHT - 8}px` };
}
