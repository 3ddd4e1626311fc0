import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { complete, type Schema } from "./completion";
import { outline } from "./yaml-position";

const schema = JSON.parse(
  readFileSync(new URL("../../../../rulesfile/nuncio.schema.json", import.meta.url), "utf8"),
) as Schema;

/** `|` marks the caret. */
function at(document: string, most?: number) {
  const caret = document.indexOf("|");
  return complete(schema, document.replace("|", ""), caret, most);
}
const labels = (document: string, most?: number) => at(document, most)?.options.map((option) => option.label) ?? [];
/** The document after the first suggestion is inserted. */
function completed(document: string): string {
  const found = at(document)!;
  const caret = document.indexOf("|");
  return document.slice(0, found.from) + found.options[0]!.text + document.slice(caret).replace("|", "^");
}

const DEFINED = `groups: { admins: [], "on call": [] }
transports:
  ops-chat:
    mode: webhook_slack
    url: env:URL
policies:
  brute: { event_matcher: { action: login_failed } }
`;

describe("keys", () => {
  it("completes keys of the document that are still missing", () => {
    expect(labels("ret|")).toEqual(["retention", "retention_by_action"]);
    expect(labels("retention: days=1\nret|")).toEqual(["retention_by_action"]);
    expect(labels("|\nretention: days=1\n", 99)).not.toContain("retention");
    expect(labels("rules:\n  a:\n    severity: alert\n\n|", 99)).toContain("groups");
  });
  it("of a rule, in lines and in braces", () => {
    // What begins so comes before what has it within.
    expect(labels("rules:\n  a:\n    se|")).toEqual(["severity", "event_user"]);
    expect(labels("rules: { a: { sev|")).toEqual(["severity"]);
    expect(labels("rules: { a: { severity: alert, | } }", 99)).not.toContain("severity");
    expect(labels("rules:\n  a:\n    |\n    severity: alert\n", 99)).toContain("group");
    expect(labels("rules:\n  a:\n    |\n    severity: alert\n", 99)).not.toContain("severity");
    // Names are free.
    expect(labels("rules:\n  |")).toEqual([]);
  });
  it("of a transport, those of its mode", () => {
    const all = (mode: string) => labels(`transports:\n  a:\n    mode: ${mode}\n    |`, 99);
    expect(all("email")).toContain("subject_prefix");
    expect(all("email")).not.toContain("url");
    expect(all("webhook # signed")).toContain("secret");
    expect(labels("transports: { a: { mode: local, | } }", 99)).not.toContain("url");
  });
  it("of a binding and a silence, in lists", () => {
    expect(labels("rules:\n  a:\n    policies:\n      - neg|")).toEqual(["negate"]);
    expect(labels("rules:\n  a:\n    policies:\n    - policy: brute\n      neg|")).toEqual(["negate"]);
    expect(labels("silences:\n- rea|")).toEqual(["reason"]);
    expect(labels("silences:\n- reason: x\n  end|")).toEqual(["ends"]);
  });
  it("of a detection, those of its kind", () => {
    expect(labels("det|")).toEqual(["detections"]);
    expect(labels("detections: { a: { | } }")).toEqual(["count", "first_seen", "absent", "sequence"]);
    expect(labels("detections:\n  a:\n    count:\n      of: b\n      wit|")).toEqual(["within"]);
    expect(labels("detections:\n  a:\n    absent:\n      |", 99)).toContain("grace");
    expect(labels("detections:\n  a:\n    absent:\n      |", 99)).not.toContain("within");
    expect(labels("detections: { a: { sequence: { ord| } } }")).toEqual(["ordered"]);
  });
  it("of actions that are kept for their own time", () => {
    expect(labels("retention_by_action:\n  secret_v|")).toEqual(["secret_view"]);
  });
});

describe("values", () => {
  it("of enumerations, yes and no, and examples", () => {
    expect(labels("rules:\n  a:\n    severity: |")).toEqual(["notice", "warning", "alert"]);
    expect(labels("rules:\n  a:\n    enabled: f|")).toEqual(["false"]);
    expect(labels("transports: { a: { mode: webhook_| } }")).toEqual(["webhook_slack"]);
    expect(at("retention: |")?.options[0]).toMatchObject({ label: "days=365", hint: "the default" });
  });
  it("that are names the document defines", () => {
    expect(labels(`${DEFINED}rules:\n  a:\n    group: |`)).toEqual(["admins", "on call"]);
    expect(labels(`${DEFINED}rules:\n  a:\n    transports: [ops|]`)).toEqual(["ops-chat"]);
    expect(labels(`${DEFINED}rules:\n  a:\n    transports:\n      - default|`)).toEqual([
      "default-email-transport",
      "default-local-transport",
    ]);
    expect(labels(`${DEFINED}rules:\n  a:\n    policies: [bru|`)).toEqual(["brute"]);
    expect(labels(`${DEFINED}rules:\n  a:\n    policies:\n      - policy: b|`)).toEqual(["brute"]);
    expect(labels("policies:\n  a:\n    event_matcher:\n      action: [login, secret_v|]")).toEqual(["secret_view"]);
  });
  it("that are policies and detections, where either is meant", () => {
    const both = `${DEFINED}detections:\n  bruteforce: { count: { of: brute, within: hours=1, at_least: 2 } }\n`;
    expect(labels(`${both}rules:\n  a:\n    policies: [bru|]`)).toEqual(["brute", "bruteforce"]);
    expect(labels(`${both}rules:\n  a:\n    policies:\n      - policy: brutef|`)).toEqual(["bruteforce"]);
    expect(labels(`${both}  b:\n    absent:\n      of: bru|`)).toEqual(["brute", "bruteforce"]);
    expect(labels(`${both}  b:\n    sequence:\n      of: [brute, bruteforc|]`)).toEqual(["bruteforce"]);
    expect(labels("detections: { a: { count: { repeat: | } } }")).toEqual(["crossing", "every", "hours=1"]);
    expect(labels("detections: { a: { count: { max_groups: | } } }")).toEqual(["100000"]);
  });
  it("are quiet where the word is whole, in comments and in texts", () => {
    expect(labels("rules:\n  a:\n    severity: warning|")).toEqual([]);
    expect(labels("# ret|")).toEqual([]);
    expect(labels("retention: days=1 # ret|")).toEqual([]);
    expect(labels("policies:\n  a:\n    expression: >-\n      ret|")).toEqual([]);
    expect(labels("rules: { a: # se|\n}")).toEqual([]);
  });
});

describe("taking one", () => {
  it("opens what belongs below it", () => {
    expect(completed("rules:\n  a:\n    thr|")).toBe("rules:\n  a:\n    throttle:\n      ^");
    expect(completed("rules:\n  a:\n    transp|")).toBe("rules:\n  a:\n    transports:\n      - ^");
    expect(completed("rules: { a: { thr| } }")).toBe("rules: { a: { throttle: ^ } }");
    expect(completed("rules:\n  a:\n    sev|")).toBe("rules:\n  a:\n    severity: ^");
    expect(completed(`${DEFINED}rules: { a: { group: "on| } }`)).toContain('group: "on call"^ } }');
  });
});

it("nothing that is typed breaks it", () => {
  const pieces = [
    "a",
    ":",
    " ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "#",
    "|",
    ",",
    "rules",
    "policies",
    "\\",
    "é",
  ];
  let seed = 7;
  for (let round = 0; round < 3000; round++) {
    let text = "";
    for (let length = 0; length < 25; length++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      text += pieces[Math.floor(seed / 65536) % pieces.length];
    }
    for (const caret of [0, text.length >> 1, text.length]) {
      const { position } = outline(text, caret);
      if (position) expect(text.slice(position.from, caret)).toBe(position.word);
      complete(schema, text, caret);
    }
  }
});
