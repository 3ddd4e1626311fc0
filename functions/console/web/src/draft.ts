/** "Alert on events like this": a policy and a rule drafted from an event, and put into a rules document. */

import { isObject } from "./text";
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
  const { model } = event.context;
  const named = isObject(model) && typeof model.app === "string" && typeof model.model_name === "string";
  return {
    action: event.action,
    app: event.app || undefined,
    model: named ? `${model.app}.${model.model_name}` : undefined,
    client_ip: event.client_ip ?? undefined,
  };
}

/** A name that fits a YAML key without quotes. */
export function nameFor(wanted: Wanted): string {
  const parts = [wanted.action, wanted.model ?? wanted.app?.split(".").at(-1)].filter((part) => part !== undefined);
  return parts.join("-").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").toLowerCase() || "events-like-this";
}

function policy({ name, wanted }: Draft): string {
  const fields = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return `${name}: { event_matcher: { ${fields.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ")} } }`;
}

function rule({ name, severity, group }: Draft): string {
  const told = group ? `group: ${JSON.stringify(group)}` : "event_user: true";
  return `${name}: { severity: ${severity}, ${told}, transports: [default-email-transport, default-local-transport], policies: [${name}] }`;
}

/** A document with nothing but the draft, to try it on what is stored. */
export function alone(draft: Draft): string {
  const tried = { ...draft, group: undefined };
  return `policies:\n  ${policy(tried)}\nrules:\n  ${rule(tried)}\n`;
}

/** What is added to a document, for reading. */
export function shown(draft: Draft): string {
  return `policies:\n  ${policy(draft)}\nrules:\n  ${rule(draft)}\n`;
}

/** The document with the draft in it; the rest stays as it was written. */
export function insert(document: string, draft: Draft): string {
  return intoSection(intoSection(document, "policies", policy(draft)), "rules", rule(draft));
}

function intoSection(document: string, section: string, entry: string): string {
  const lines = document.split("\n");
  const at = lines.findIndex((line) => new RegExp(`^${section}[ \\t]*:`).test(line));
  if (at < 0) {
    const whole = document === "" || document.endsWith("\n") ? document : `${document}\n`;
    return `${whole}${section}:\n  ${entry}\n`;
  }
  const head = lines[at]!;
  const flow = head.indexOf("{");
  if (flow >= 0 && /^\s*$/.test(head.slice(head.indexOf(":") + 1, flow))) {
    const rest = head.slice(flow + 1);
    const empty = /^\s*\}/.test(rest);
    lines[at] = `${head.slice(0, flow)}{ ${entry}${empty ? " " : ", "}${rest.trimStart()}`;
    return lines.join("\n");
  }
  if (/:\s*(~|null)\s*(#.*)?$/.test(head)) lines[at] = `${section}:`;
  const following = lines.slice(at + 1).find((line) => /^\s*[^\s#]/.test(line));
  const indent = /^(\s+)/.exec(following ?? "")?.[1] ?? "  ";
  lines.splice(at + 1, 0, indent + entry);
  return lines.join("\n");
}
