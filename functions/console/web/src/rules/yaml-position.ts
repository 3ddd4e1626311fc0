/** Finds the caret's position in a YAML document for completion. Also works on incomplete documents. */

/** The path element that stands for any item of a list. */
export const ITEM = "[]";

export interface Position {
  /** The keys from the root to the map, list or value at the caret. */
  path: string[];
  /** `key` of a map; `value` of the path's last key; or `item` of a list: a value, or the first key of a map. */
  at: "key" | "value" | "item";
  /** The text from the beginning of the word to the caret. */
  word: string;
  /** The index at which the word begins. */
  from: number;
  /** The other keys of the same map, with their values. */
  siblings: Map<string, string>;
  /** The indentation of the word; absent within `{}` and `[]`. */
  indent?: number;
}

export interface DocumentOutline {
  position?: Position;
  /** The keys at the second level, by section: the names that the document defines. */
  named: Map<string, Set<string>>;
}

/** A key or an item that contains the lines indented deeper. */
interface Level {
  indent: number;
  name: string;
  keys: Map<string, string>;
}

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'{}[\],-][^:#]*?|-[^\s:#][^:#]*?)\s*:(?=\s|$)/;

const DASH = /^-(\s+|$)/;

export function outline(text: string, caret: number): DocumentOutline {
  const reader = new Reader(text, caret);
  for (let start = 0; start <= text.length; ) start = reader.line(start) + 1;
  return reader;
}

/** Reads the document line by line and finds by indentation to which key each line belongs. */
class Reader implements DocumentOutline {
  position?: Position;
  readonly named = new Map<string, Set<string>>();
  private levels: Level[] = [{ indent: -1, name: "", keys: new Map() }];
  /** Lines indented deeper than this belong to a block scalar (`|` or `>`). */
  private scalar = Infinity;

  constructor(
    private readonly text: string,
    private readonly caret: number,
  ) {}

  /** Reads the line at `start`. Returns the index of its end, or of the end of its flow collection (`{}` or `[]`). */
  line(start: number): number {
    const end = endOfLine(this.text, start);
    const line = this.text.slice(start, end);
    const here = start <= this.caret && this.caret <= end;
    const indent = line.length - line.trimStart().length;
    if (indent === line.length || indent > this.scalar) {
      if (here && this.scalar === Infinity) this.onBlank(this.caret - start);
      return end;
    }
    this.scalar = Infinity;
    if (line[indent] === "#") return end;
    const at = this.items(line, indent);
    const key = KEY.exec(line.slice(at));
    const held = key ? line.slice(at + key[0].length) : line.slice(at);
    const valueAt = end - held.trimStart().length;
    const inKey = here && start + at <= this.caret && (!key || this.caret <= start + at + key[1]!.length);
    if (at === indent) this.leave(at);
    if (inKey && !/^[{[]/.test(held)) this.found(at > indent ? "item" : "key", start + at, at);
    if (key) this.enter(at, unquoted(key[1]!), here ? undefined : held);
    if (/^[{[]/.test(held.trimStart())) {
      const flow = readFlow(this.text, valueAt, this.caret, this.path(), this.named);
      this.position ??= flow.position;
      return endOfLine(this.text, flow.end);
    }
    if (/^\s*[|>][-+\d]*\s*(#.*)?$/.test(held)) this.scalar = at;
    else if (here && key && !inKey && this.caret > start + at) this.found("value", Math.min(valueAt, this.caret), at);
    return end;
  }

  private onBlank(indent: number): void {
    const around = this.levels.filter((level) => level.indent < indent || level.indent < 0);
    this.position = {
      path: pathOf(around),
      at: "key",
      word: "",
      from: this.caret,
      siblings: around.at(-1)!.keys,
      indent,
    };
  }

  /** Enters the list items that begin on the line. Returns the column of their content. */
  private items(line: string, indent: number): number {
    let at = indent;
    for (let dash = DASH.exec(line.slice(at)); dash; dash = DASH.exec(line.slice(at))) {
      // Items may have the same indentation as the key of their list.
      this.levels = this.levels.filter((level) => level.indent < at || (level.indent === at && level.name !== ITEM));
      this.levels.push({ indent: at, name: ITEM, keys: new Map() });
      at += dash[0].length;
    }
    return at;
  }

  /** Enters a key of the current map. Its value is `undefined` while the caret is in it. */
  private enter(indent: number, name: string, value: string | undefined): void {
    const holder = this.levels.at(-1)!;
    if (this.levels.length === 2) note(this.named, holder.name, name);
    if (value !== undefined) holder.keys.set(name, value.trim());
    this.levels.push({ indent, name, keys: new Map() });
  }

  private found(at: Position["at"], from: number, indent: number): void {
    const word = this.text.slice(from, this.caret);
    if (/(^|\s)#/.test(word)) return;
    this.position = {
      path: this.path(),
      at,
      word,
      from,
      siblings: at === "value" ? new Map() : this.levels.at(-1)!.keys,
      indent,
    };
  }

  private leave(indent: number): void {
    this.levels = this.levels.filter((level) => level.indent < indent);
  }

  private path(): string[] {
    return pathOf(this.levels);
  }
}

const pathOf = (levels: Level[]) => levels.slice(1).map((level) => level.name);

interface Frame {
  map: boolean;
  name: string;
  inValue: boolean;
  keys: Map<string, string>;
}

/** Reads a flow collection (`{}` or `[]`) from its opening bracket to its end, over any number of lines. */
function readFlow(
  text: string,
  start: number,
  caret: number,
  base: string[],
  named: Map<string, Set<string>>,
): { end: number; position?: Position } {
  const frames: Frame[] = [];
  let from = start;
  let position: Position | undefined;
  const path = () => [...base, ...frames.flatMap((frame) => (!frame.map ? [ITEM] : frame.inValue ? [frame.name] : []))];
  const finish = (frame: Frame, at: number) => frame.inValue && frame.keys.set(frame.name, text.slice(from, at).trim());
  const found = ({ map, inValue, keys }: Frame, word: string): Position => ({
    path: path(),
    at: !map ? "item" : inValue ? "value" : "key",
    word,
    from: caret - word.length,
    siblings: keys,
  });
  for (let at = start; at <= text.length; at++) {
    const frame = frames.at(-1);
    if (at === caret && frame) position = found(frame, text.slice(from, at).trimStart());
    const mark = text[at];
    if (mark === '"' || mark === "'") {
      const closing = closingQuote(text, at);
      if (at < caret && caret <= closing && frame) position = found(frame, text.slice(at, caret));
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
      if (!frames.length) return { end: at, position };
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
  return { end: text.length, position };
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
