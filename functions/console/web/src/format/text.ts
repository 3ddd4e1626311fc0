/** Formats text from events for display. Anybody may have written it, so nothing in it may deceive the reader. */

import type { Json, JsonObject, LoggedEvent } from "../api/types";

/**
 * Invisible characters that can change how others are shown: control characters, direction marks and overrides, the
 * byte order mark, tags. Tab and line feed are allowed.
 */
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** Replaces every invisible character by its name: `‹U+202E›`. Joiners inside emoji are kept. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character, at: number) => {
    if (character === "\u200d" && joins(text, at)) return character;
    const code = character.codePointAt(0) ?? 0;
    return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
  });
}

/** Whether the character before is an emoji, a skin tone or a variation selector. */
function joins(text: string, at: number): boolean {
  const pair = (text.codePointAt(at - 2) ?? 0) > 0xffff;
  return /^(\p{Extended_Pictographic}|[\u{1f3fb}-\u{1f3ff}\ufe0f])$/u.test(text.slice(pair ? at - 2 : at - 1, at));
}

/** At most `length` UTF-16 units. Truncated text ends with an ellipsis, never with half a character. */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = /[\ud800-\udbff]/.test(text[length - 2] ?? "") ? length - 2 : length - 1;
  return `${text.slice(0, end)}…`;
}

/** The text as one short line. */
export function line(text: string, length = 240): string {
  return visible(
    truncate(
      text
        .slice(0, length * 4)
        .replace(/\s+/g, " ")
        .trim(),
      length,
    ),
  );
}

/** A JSON value in words: `yes`, `none`, `a, b`. */
export function plain(value: Json | undefined): string {
  if (value === null || value === undefined) return "none";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.length ? value.slice(0, 20).map(plain).join(", ") : "none";
  if (typeof value === "object") {
    const name = value.name ?? value.username;
    if (typeof name === "string" && name) return name;
    const pairs = Object.entries(value).slice(0, 12);
    return pairs.map(([key, one]) => `${key}: ${plain(one)}`).join(", ") || "none";
  }
  return String(value);
}

const BACKGROUND = new Set(["http_request", "geo", "asn", "brand", "diff", "exception", "auth_method_args"]);

/** The event in one line: its message, or a summary of its context. */
export function summary(event: LoggedEvent): string {
  const { message, model, username, authorized_application: application } = event.context;
  if (typeof message === "string" && message.trim()) return line(message);
  if (isObject(model)) return line(changeText(model, event.context.diff));
  if (isObject(application)) return line(plain(application));
  const rest = Object.entries(event.context).filter(([key]) => !BACKGROUND.has(key));
  if (event.action.startsWith("login")) {
    const { auth_method: method, geo } = event.context;
    const how = [
      typeof username === "string" && `as ${username}`,
      typeof method === "string" && `by ${method}`,
      isObject(geo) && `from ${placeName(geo)}`,
    ];
    const text = how.filter(Boolean).join(" ");
    if (text) return line(text);
  }
  const text = line(rest.map(([key, value]) => `${key}: ${plain(value)}`).join(" · "));
  return text || requestText(event.context.http_request);
}

/** The request in one line, for events whose context has nothing else. */
function requestText(request: Json | undefined): string {
  if (!isObject(request)) return "";
  return line([request.method, request.path].filter((part) => typeof part === "string").join(" "));
}

function changeText(model: JsonObject, diff: Json | undefined): string {
  const what = [model.model_name, model.name].filter((part) => typeof part === "string" && part).join(" ");
  const fields = isObject(diff) ? Object.keys(diff) : [];
  return fields.length ? `${what}: ${fields.slice(0, 8).join(", ")}` : what;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `Berlin, Germany`. The browser provides the names of countries. */
export function placeName({ city, country, continent }: JsonObject): string {
  const parts = [city, typeof country === "string" ? countryName(country) : (country ?? continent)];
  return visible(
    parts
      .filter((part): part is string => typeof part === "string" && part !== "")
      .join(", ")
      .slice(0, 160),
  );
}

const COUNTRIES = new Intl.DisplayNames("en", { type: "region", fallback: "code" });

export function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (COUNTRIES.of(code) ?? code) : code;
}

/** The object that the event is about: its model (`app.model`) and key, as the API's filters take them, and its name. */
export function modelOf(event: LoggedEvent): { model: string; pk?: string; name: string } | undefined {
  const { model } = event.context;
  if (!isObject(model) || typeof model.app !== "string" || typeof model.model_name !== "string") return undefined;
  const name = [model.model_name, model.name].filter((part) => typeof part === "string" && part).join(" ");
  const key = typeof model.pk === "string" || typeof model.pk === "number" ? String(model.pk) : undefined;
  return { model: `${model.app}.${model.model_name}`, pk: key, name };
}

/** The acting user's name. */
export function userName(event: LoggedEvent): string {
  const { username, email, pk } = event.user;
  for (const name of [username, email, pk]) if (name !== undefined && name !== null && name !== "") return plain(name);
  return "";
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** A short form: `1.2k`, `3M`. */
export function compact(value: number): string {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  return value >= 1000 ? `${+(value / 1000).toFixed(1)}k` : String(value);
}

/** A share in percent: `94.3%`. It is 0% only if there is none, and 100% only if it is complete. */
export function percent(part: number, whole: number): string {
  if (part === whole || !part) return part ? "100%" : "0%";
  return `${Math.min(99.9, Math.max(0.1, Number(((100 * part) / whole).toFixed(1))))}%`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
