import { expect, it } from "vitest";
import { diffLines, hunks } from "./line-diff";

it("finds the changed lines of a document", () => {
  const lines = diffLines("a\nb\nc\nd", "a\nc\nx\nd");
  expect(lines.map((line) => `${line.kind[0]}${line.text}`)).toEqual(["sa", "rb", "sc", "ax", "sd"]);
  const long = Array.from({ length: 30 }, (_, at) => String(at)).join("\n");
  expect(hunks(diffLines(long, long.replace("15", "fifteen"))).filter(Boolean)).toHaveLength(8);
  expect(hunks(diffLines(long, long))).toEqual([]);
});
