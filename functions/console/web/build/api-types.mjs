/**
 * Writes the types of the API's schemas to `src/api/schema.ts`, from the same `openapi.json` that Nuncio serves.
 *
 * Runs before every build, test and check, and its output is not committed, so the two cannot disagree. Reads the part
 * of JSON Schema that the description uses; anything else is an error.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../../api/openapi.json", import.meta.url));
const target = fileURLToPath(new URL("../src/api/schema.ts", import.meta.url));

const PRIMITIVES = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

const HEADER = `/** Generated from functions/api/openapi.json by build/api-types.mjs. Do not edit. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
`;

/** The TypeScript type of a schema. */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.replace("#/components/schemas/", "");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.allOf) return schema.allOf.map((one) => `(${typeOf(one)})`).join(" & ");
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(" | ");
  if (schema.type === "object") return objectOf(schema);
  if (schema.type === "array") return `(${typeOf(schema.items ?? {})})[]`;
  if (schema.type in PRIMITIVES) return PRIMITIVES[schema.type];
  if (Object.keys(schema).length === 0) return "Json";
  throw new Error(`no type for ${JSON.stringify(schema)}`);
}

function objectOf({ properties, required = [], additionalProperties }) {
  if (!properties) return additionalProperties ? `Record<string, ${typeOf(additionalProperties)}>` : "JsonObject";
  const members = Object.entries(properties).map(
    ([name, schema]) =>
      `${comment(schema)}${JSON.stringify(name)}${required.includes(name) ? "" : "?"}: ${typeOf(schema)};`,
  );
  return `{ ${members.join("\n")} }`;
}

const comment = ({ description }) => (description ? `\n/** ${description}. */\n` : "");

const { schemas } = JSON.parse(readFileSync(source, "utf8")).components;
const types = Object.entries(schemas).map(
  ([name, schema]) => `${comment(schema)}export type ${name} = ${typeOf(schema)};\n`,
);
writeFileSync(target, [HEADER, ...types].join("\n"));
