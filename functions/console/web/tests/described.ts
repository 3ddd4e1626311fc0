/** Compares the console's requests with the description of the API. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

interface Parameter {
  name: string;
  in: string;
}
type Operation = { parameters?: (Parameter | { $ref: string })[] };
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { parameters: Record<string, Parameter> };
}

const FILE = join(dirname(fileURLToPath(import.meta.url)), "../../../api/openapi.json");
const { paths, components } = JSON.parse(readFileSync(FILE, "utf8")) as Description;

/** Fixed paths come before placeholders: `/v1/events/top` is not `/v1/events/{pk}`. */
const routes = Object.entries(paths)
  .map(([path, operations]) => ({
    operations,
    pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
    open: path.includes("{"),
  }))
  .sort((a, b) => Number(a.open) - Number(b.open));

/** The parts of a request that the description lacks. */
export function undescribed(method: string, path: string, parameters: string[]): string[] {
  const operation = routes.find(({ pattern }) => pattern.test(path))?.operations[method.toLowerCase()];
  if (!operation) return [`${method} ${path} is not described`];
  const known = (operation.parameters ?? []).map((one) =>
    "$ref" in one ? components.parameters[one.$ref.split("/").at(-1)!]! : one,
  );
  const names = new Set(known.filter((one) => one.in === "query").map((one) => one.name));
  return parameters.filter((name) => !names.has(name)).map((name) => `${method} ${path} has no parameter ${name}`);
}
