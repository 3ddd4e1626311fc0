/** Where in a YAML document the caret stands, as far as completing what is typed there asks for it; half-written documents too. */

/** In a path, an item of a list. */
export const ITEM = "[]";

export interface Place {
  /** The keys from the root to the map, list or value at the caret. */
  path: string[];
  /** `key`: of a map; `value`: of the path's last key; `item`: of a list, a value or the first key of a map. */
  at: "key" | "value" | "item";
  /** What stands between the word's beginning and the caret. */
  word: string;
  /** Where the word begins in the document. */
  from: number;
  /** The keys of the same map, with their values where those are short. */
  beside: Map<string, string>;
  /** How far the word is indented; nothing within `{}` and `[]`. */
  indent?: number;
}

export interface Outline {
  place?: Place;
  /** The keys two levels down: the names of what the document defines, by section. */
  named: Map<string, Set<string>>;
}

/** A key or an item whose value holds what is indented deeper. */
interface Level {
  indent: number;
  name: string;
  keys: Map<string, string>;
}

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'{}[\],-][^:#]*?|-[^\s:#][^:#]*?)\s*:(?=\s|$)/;

export function outline(text: string, caret: number): Outline {
  const named = new Map<string, Set<string>>();
  const root: Level = { indent: -1, name: "", keys: new Map() };
  let levels = [root];
  /** Lines indented deeper than this belong to a `|` or `>` text. */
  let scalar: number | undefined;
  let place: Place | undefined;
  const path = () => levels.slice(1).map((level) => level.name);
  const parent = () => levels.at(-1)!;
  const leave = (indent: number) => (levels = levels.filter((level) => level.indent < indent));

  for (let start = 0; start <= text.length; ) {
    const end = endOfLine(text, start);
    const here = start <= caret && caret <= end;
    const line = text.slice(start, end);
    let at = line.length - line.trimStart().length;
    const blank = at === line.length;
    if (scalar !== undefined && (blank || at > scalar)) {
      start = end + 1;
      continue;
    }
    const typed = here ? line.slice(0, caret - start) : "";
    if (blank || line[at] === "#") {
      if (here && blank) {
        leave(typed.length);
        place = { path: path(), at: "key", word: "", from: caret, beside: parent().keys, indent: typed.length };
      }
      start = end + 1;
      continue;
    }
    scalar = undefined;
    let item = false;
    for (let dash = /^-(\s+|$)/.exec(line.slice(at)); dash; dash = /^-(\s+|$)/.exec(line.slice(at))) {
      // Items may stand as far left as the key of their list.
      levels = levels.filter((level) => level.indent < at || (level.indent === at && level.name !== ITEM));
      levels.push({ indent: at, name: ITEM, keys: new Map() });
      at += dash[0].length;
      item = true;
    }
    const key = KEY.exec(line.slice(at));
    const held = key ? line.slice(at + key[0].length) : line.slice(at);
    const valueAt = start + line.length - held.trimStart().length;
    const inKey = here && (!key || caret <= start + at + key[1]!.length);
    if (inKey && caret >= start + at && !/^[{[]/.test(line.slice(at))) {
      if (!item) leave(at);
      const word = typed.slice(at);
      if (!/(^|\s)#/.test(word)) place = { path: path(), at: item ? "item" : "key", word, from: start + at, beside: parent().keys, indent: at };
    }
    if (key) {
      leave(at);
      const name = unquoted(key[1]!);
      if (levels.length === 2) note(named, parent().name, name);
      if (!here) parent().keys.set(name, held.trim().slice(0, 100));
      levels.push({ indent: at, name, keys: new Map() });
      if (/^\s*[|>][-+\d]*\s*(#.*)?$/.test(held)) scalar = at;
    }
    if (/^[{[]/.test(held.trimStart())) {
      const flow = readFlow(text, valueAt, caret, path(), named);
      place ??= flow.place;
      start = endOfLine(text, flow.end) + 1;
      continue;
    }
    if (here && key && !inKey && scalar === undefined) {
      const word = text.slice(Math.min(valueAt, caret), caret);
      if (!/(^|\s)#/.test(word)) place = { path: path(), at: "value", word, from: Math.min(valueAt, caret), beside: new Map(), indent: at };
    }
    start = end + 1;
  }
  return { place, named };
}

interface Frame {
  map: boolean;
  name: string;
  inValue: boolean;
  keys: Map<string, string>;
}

/** A `{}` or `[]` from its first mark on, over as many lines as it takes. */
function readFlow(text: string, start: number, caret: number, base: string[], named: Map<string, Set<string>>): { end: number; place?: Place } {
  const frames: Frame[] = [];
  let from = start;
  let place: Place | undefined;
  const path = () => [...base, ...frames.flatMap((frame) => (!frame.map ? [ITEM] : frame.inValue ? [frame.name] : []))];
  const finish = (frame: Frame, at: number) => frame.inValue && frame.keys.set(frame.name, text.slice(from, at).trim().slice(0, 100));
  for (let at = start; at <= text.length; at++) {
    const frame = frames.at(-1);
    if (at === caret && frame) {
      const word = text.slice(from, at).trimStart();
      place = { path: path(), at: !frame.map ? "item" : frame.inValue ? "value" : "key", word, from: at - word.length, beside: frame.keys };
    }
    const mark = text[at];
    if (mark === '"' || mark === "'") {
      const closing = closingQuote(text, at);
      if (at < caret && caret <= closing && frame) {
        place = { path: path(), at: !frame.map ? "item" : frame.inValue ? "value" : "key", word: text.slice(at, caret), from: at, beside: frame.keys };
      }
      at = closing;
    } else if (mark === "#" && /\s/.test(text[at - 1] ?? "")) {
      const end = endOfLine(text, at);
      if (at < caret && caret <= end) return { end };
      at = end;
    } else if (mark === "{" || mark === "[") {
      frames.push({ map: mark === "{", name: "", inValue: false, keys: new Map() });
      from = at + 1;
    } else if (mark === "}" || mark === "]") {
      if (frame) finish(frame, at);
      frames.pop();
      from = at + 1;
      if (!frames.length) return { end: at, place };
    } else if (mark === "," && frame) {
      finish(frame, at);
      frame.inValue = false;
      from = at + 1;
    } else if (mark === ":" && frame?.map && !frame.inValue && /[\s,{}[\]]|^$/.test(text[at + 1] ?? "")) {
      frame.name = unquoted(text.slice(from, at).trim());
      const holder = path();
      if (holder.length === 1) note(named, holder[0]!, frame.name);
      frame.keys.set(frame.name, "");
      frame.inValue = true;
      from = at + 1;
    }
  }
  return { end: text.length, place };
}

function endOfLine(text: string, from: number): number {
  const at = text.indexOf("\n", from);
  return at < 0 ? text.length : at;
}

/** The quote that ends the text, or the end of its line where it is not ended yet. */
function closingQuote(text: string, at: number): number {
  const quote = text[at]!;
  for (let next = at + 1; next < text.length && text[next] !== "\n"; next++) {
    if (text[next] === "\\" && quote === '"') next++;
    else if (text[next] === quote) return next;
  }
  return endOfLine(text, at) - 1;
}

function unquoted(key: string): string {
  return /^(["']).*\1$/s.test(key) ? key.slice(1, -1) : key;
}

function note(named: Map<string, Set<string>>, section: string, name: string): void {
  named.set(section, (named.get(section) ?? new Set()).add(name));
}
