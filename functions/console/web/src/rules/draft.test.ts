import { describe, expect, it } from "vitest";
import type { LoggedEvent } from "../api/types";
import { criteriaOf, draftDocument, insert, nameFor } from "./draft";

const draft = {
  name: "login-failed",
  severity: "alert",
  group: "admins",
  criteria: { action: "login_failed", app: undefined },
} as const;
const policy = "login-failed: { event_matcher: { action: login_failed } }";
const fields = [
  "severity: alert",
  "group: admins",
  "transports: [default-email-transport, default-local-transport]",
  "policies: [login-failed]",
];
const flow = `login-failed: { ${fields.join(", ")} }`;
const rule = (indent: string) => [`${indent}login-failed:`, ...fields.map((field) => `${indent}  ${field}`)].join("\n");

describe("a draft is inserted into a document", () => {
  it("without the sections", () => {
    expect(insert("retention: days=1", draft)).toBe(
      `retention: days=1\npolicies:\n  ${policy}\nrules:\n${rule("  ")}\n`,
    );
    expect(insert("", draft)).toBe(`policies:\n  ${policy}\nrules:\n${rule("  ")}\n`);
  });
  it("with the sections as blocks, keeping comments and indentation", () => {
    const document =
      "policies: # mine\n    # first\n    a: { event_matcher: {} }\nrules:\n    b:\n        policies: [a]\n# end\n";
    expect(insert(document, draft)).toBe(
      `policies: # mine\n    ${policy}\n    # first\n    a: { event_matcher: {} }\nrules:\n${rule("    ")}\n    b:\n        policies: [a]\n# end\n`,
    );
  });
  it("with the sections in braces, or empty", () => {
    expect(insert("policies: {}\nrules: { b: { policies: [] } }\n", draft)).toBe(
      `policies: { ${policy} }\nrules: { ${flow}, b: { policies: [] } }\n`,
    );
    expect(insert("policies: null\nrules:\n", draft)).toBe(`policies:\n  ${policy}\nrules:\n${rule("  ")}\n`);
  });
});

it("the document for a dry run needs no group", () => expect(draftDocument(draft)).toContain("event_user: true"));

it("a text that YAML could read as another type is quoted", () => {
  const criteria = { action: "yes", app: "shop: x", model: "core.user", client_ip: "192.0.2.7" };
  expect(draftDocument({ ...draft, criteria })).toContain(
    '{ action: "yes", app: "shop: x", model: core.user, client_ip: "192.0.2.7" }',
  );
});

it("a draft has the criteria that the event fulfils", () => {
  const context = { model: { app: "core", model_name: "user", name: 'x"' } };
  const event = { action: "model_updated", app: "a.b", client_ip: null, context } as unknown as LoggedEvent;
  expect(criteriaOf(event)).toEqual({ action: "model_updated", app: "a.b", model: "core.user", client_ip: undefined });
  expect(nameFor(criteriaOf(event))).toBe("model-updated-core-user");
  expect(nameFor({})).toBe("events-like-this");
});
