/** Drafts a policy and a rule from an event, and inserts them into a rules document. */

import type { LoggedEvent, Severity } from "../api/types";
import { modelOf } from "../format/text";

/** The fields of an event matcher. An absent field matches everything. */
export interface Criteria {
  action?: string;
  app?: string;
  model?: string;
  client_ip?: string;
}

export interface Draft {
  name: string;
  severity: Severity;
  /** The group to notify by the default email and inbox transports. Without it, the acting user is notified. */
  group?: string;
  criteria: Criteria;
}

/** All criteria that the event fulfils. */
export function criteriaOf(event: LoggedEvent): Criteria {
  return {
    action: event.action,
    app: event.app || undefined,
    model: modelOf(event)?.model,
    client_ip: event.client_ip ?? undefined,
  };
}

/** A name for the rule that needs no quotes as a YAML key. */
export function nameFor(criteria: Criteria): string {
  const parts = [criteria.action, criteria.model ?? criteria.app?.split(".").at(-1)].filter(
    (part) => part !== undefined,
  );
  return (
    parts
      .join("-")
      .replace(/[^A-Za-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .toLowerCase() || "events-like-this"
  );
}

/** A key of the document with its value: on one line, or with one field per line. */
interface Entry {
  flow: string;
  block: string[];
}

function policy({ name, criteria }: Draft): Entry {
  const fields = Object.entries(criteria).filter(([, value]) => value !== undefined);
  const flow = `${name}: { event_matcher: { ${fields.map(([key, value]) => `${key}: ${scalar(value)}`).join(", ")} } }`;
  return { flow, block: [flow] };
}

function rule({ name, severity, group }: Draft): Entry {
  const fields = [
    `severity: ${severity}`,
    group ? `group: ${scalar(group)}` : "event_user: true",
    "transports: [default-email-transport, default-local-transport]",
    `policies: [${name}]`,
  ];
  return { flow: `${name}: { ${fields.join(", ")} }`, block: [`${name}:`, ...fields.map((field) => `  ${field}`)] };
}

/** The text as a YAML scalar, quoted if YAML could read it as anything but a string. */
export function scalar(text: string): string {
  const plain = /^[a-z][\w.-]*$/i.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

/** A document with only the draft, for a dry run. It notifies no group, since it defines none. */
export function draftDocument(draft: Draft): string {
  return draftText({ ...draft, group: undefined });
}

/** The lines that the draft adds to a document. */
export function draftText(draft: Draft): string {
  const section = ({ block }: Entry) => block.map((line) => `  ${line}\n`).join("");
  return `policies:\n${section(policy(draft))}rules:\n${section(rule(draft))}`;
}

/** Inserts the draft into the document. Everything else stays as it was written. */
export function insert(document: string, draft: Draft): string {
  return insertIntoSection(insertIntoSection(document, "policies", policy(draft)), "rules", rule(draft));
}

function insertIntoSection(document: string, section: string, entry: Entry): string {
  const lines = document.split("\n");
  const at = lines.findIndex((line) => new RegExp(`^${section}[ \\t]*:`).test(line));
  if (at < 0) {
    const whole = document === "" || document.endsWith("\n") ? document : `${document}\n`;
    return `${whole}${section}:\n${entry.block.map((line) => `  ${line}\n`).join("")}`;
  }
  const head = lines[at]!;
  const flow = head.indexOf("{");
  if (flow >= 0 && /^\s*$/.test(head.slice(head.indexOf(":") + 1, flow))) {
    const rest = head.slice(flow + 1);
    const empty = /^\s*\}/.test(rest);
    lines[at] = `${head.slice(0, flow)}{ ${entry.flow}${empty ? " " : ", "}${rest.trimStart()}`;
    return lines.join("\n");
  }
  if (/:\s*(~|null)\s*(#.*)?$/.test(head)) lines[at] = `${section}:`;
  const following = lines.slice(at + 1).find((line) => /^\s*[^\s#]/.test(line));
  const indent = /^(\s+)/.exec(following ?? "")?.[1] ?? "  ";
  lines.splice(at + 1, 0, ...entry.block.map((line) => indent + line));
  return lines.join("\n");
}
