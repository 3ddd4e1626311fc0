/** The field in which the rules document is written: completes by the schema, and goes on where the line before began. */

import { useState } from "preact/hooks";
import nuncio from "../../../../rulesfile/nuncio.schema.json";
import { type Completion, type Completions, type Schema, complete } from "../completion";
import { Suggestions } from "./suggestions";

const schema = nuncio as Schema;

/** As the style sheet has it. */
const LINE = 18;
const EDGE = { top: 10, left: 12 };

interface Properties {
  area: { current: HTMLTextAreaElement | null };
  text: string;
  change: (text: string) => void;
  faulty: boolean;
}

export function Writing({ area, text, change, faulty }: Properties) {
  const [offer, setOffer] = useState<Completions>();
  const [chosen, setChosen] = useState(-1);
  const close = () => setOffer(undefined);
  /** Unasked only while a word is being written, or right behind what opens a value or an item. */
  const look = (asked: boolean) => {
    const field = area.current!;
    const found = field.selectionStart === field.selectionEnd ? complete(schema, field.value, field.selectionStart) : undefined;
    setOffer(found && (asked || found.word || /([:,-] |[[{] ?)$/.test(field.value.slice(0, field.selectionStart))) ? found : undefined);
    setChosen(-1);
  };
  const take = (option: Completion) => {
    const field = area.current!;
    field.setSelectionRange(offer!.from, field.selectionStart);
    type(field, option.text);
    if (option.open) look(true);
    else close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const field = area.current!;
    const options = offer?.options ?? [];
    if (event.isComposing) return;
    if (event.key === " " && event.ctrlKey) look(true);
    else if (event.key === "ArrowDown" && offer) setChosen(Math.min(chosen + 1, options.length - 1));
    else if (event.key === "ArrowUp" && offer && chosen >= 0) setChosen(chosen - 1);
    else if (event.key === "Escape" && offer) close();
    else if (event.key === "Enter" && options[chosen]) take(options[chosen]);
    else if (event.key === "Tab" && !event.shiftKey && options.length) take(options[Math.max(chosen, 0)]!);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) type(field, `\n${indentAfter(field.value.slice(0, field.selectionStart))}`);
    else {
      if (/^(Arrow|Home|End|Page)/.test(event.key)) close();
      return;
    }
    event.preventDefault();
  };
  return (
    <div class="writing">
      <textarea
        ref={area}
        aria-label="The rules document"
        aria-describedby="faults"
        aria-invalid={faulty}
        aria-autocomplete="list"
        aria-controls="completions"
        aria-activedescendant={offer && chosen >= 0 ? `completions-${chosen}` : undefined}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        value={text}
        onInput={(event) => {
          change(event.currentTarget.value);
          if ((event as InputEvent).inputType === "insertText" || offer) look(false);
        }}
        onKeyDown={onKeyDown}
        onScroll={() => offer && setOffer({ ...offer })}
        onBlur={close}
        onPointerDown={close}
      />
      <Suggestions id="completions" options={offer?.options ?? []} chosen={chosen} take={take} style={offer && area.current ? beside(area.current, offer.from) : undefined} />
    </div>
  );
}

/** As if it had been typed, so that it can be undone. */
function type(field: HTMLTextAreaElement, text: string): void {
  field.focus();
  // Deprecated, but there is no other way that undoing knows of.
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  // What is typed comes into sight by itself; this does not.
  const below = topOf(field, field.selectionStart) + 2 * LINE - field.clientHeight;
  if (below > 0) field.scrollTop += below;
}

/** Of the line, from the field's upper edge. */
function topOf(field: HTMLTextAreaElement, at: number): number {
  return EDGE.top + (field.value.slice(0, at).split("\n").length - 1) * LINE - field.scrollTop;
}

/** Of the line that follows: as far as the one before, or further below a key or an item that opens something. */
function indentAfter(before: string): string {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const indent = /^ */.exec(line)![0];
  if (/^\s*- \S/.test(line) && /:(\s|$)/.test(line)) return `${indent}  ${/:\s*$/.test(line) ? "  " : ""}`;
  return /:\s*[|>]?[-+]?\s*$/.test(line) ? `${indent}  ` : indent;
}

/** Below the word, or above it where there is more room; nowhere when it is out of sight. */
function beside(field: HTMLTextAreaElement, at: number): Record<string, string> {
  const [top, height] = [topOf(field, at), field.clientHeight];
  if (top < 0 || top > height) return { display: "none" };
  const column = at - (field.value.lastIndexOf("\n", at - 1) + 1);
  const left = `min(calc(${EDGE.left - field.scrollLeft}px + ${column}ch), max(0px, 100% - 320px))`;
  if (top > height / 2) return { left, top: "auto", bottom: `${height - top + 2}px`, maxHeight: `${top - 8}px` };
  return { left, top: `${top + LINE + 2}px`, maxHeight: `${height - top - LINE - 8}px` };
}
