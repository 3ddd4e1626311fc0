/** "Alert on events like this": a policy and a rule drafted from an event, and put into a rules document. */

import { modelOf } from "./text";
import type { LoggedEvent, Severity } from "./types";

/** What an event matcher can ask for; what is absent is a wildcard. */
export interface Wanted {
  action?: string;
  app?: string;
  model?: string;
  client_ip?: string;
}

export interface Draft {
  name: string;
  severity: Severity;
  /** Told by the default e-mail and inbox transports; nobody when absent. */
  group?: string;
  wanted: Wanted;
}

/** Everything of the event that a matcher could ask for. */
export function wantedOf(event: LoggedEvent): Wanted {
  return {
    action: event.action,
    app: event.app || undefined,
    model: modelOf(event)?.model,
    client_ip: event.client_ip ?? undefined,
  };
}

/** A name that fits a YAML key without quotes. */
export function nameFor(wanted: Wanted): string {
  const parts = [wanted.action, wanted.model ?? wanted.app?.split(".").at(-1)].filter((part) => part !== undefined);
  return parts.join("-").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").toLowerCase() || "events-like-this";
}

/** A key of the document and what it holds: in one line, or the fields below each other. */
interface Entry {
  flow: string;
  block: string[];
}

function policy({ name, wanted }: Draft): Entry {
  const fields = Object.entries(wanted).filter(([, value]) => value !== undefined);
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

/** Without quotes what YAML takes for nothing but a text. */
export function scalar(text: string): string {
  const plain = /^[a-z][\w.-]*$/i.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

/** A document with nothing but the draft, to try it on what is stored. */
export function alone(draft: Draft): string {
  return shown({ ...draft, group: undefined });
}

/** What is added to a document, for reading. */
export function shown(draft: Draft): string {
  const section = ({ block }: Entry) => block.map((line) => `  ${line}\n`).join("");
  return `policies:\n${section(policy(draft))}rules:\n${section(rule(draft))}`;
}

/** The document with the draft in it; the rest stays as it was written. */
export function insert(document: string, draft: Draft): string {
  return intoSection(intoSection(document, "policies", policy(draft)), "rules", rule(draft));
}

function intoSection(document: string, section: string, entry: Entry): string {
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
