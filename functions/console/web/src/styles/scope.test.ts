import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SRC = fileURLToPath(new URL("..", import.meta.url));

/** Every style sheet with its selectors. */
const sheets = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".css"))
  .map((file) => {
    const text = readFileSync(SRC + file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
    const heads = [...text.matchAll(/([^{}]+)\{/g)].map(([, head = ""]) => head.trim());
    const selectors = heads.filter((head) => !head.startsWith("@") && !/^(from|to|\d+%)$/.test(head));
    return { file, selectors: selectors.flatMap((selector) => selector.split(",")).map((one) => one.trim()) };
  });

const firstClass = (selector: string) => /^[a-z]*\.([\w-]+)/.exec(selector)?.[1];

it("only the base styles elements", () => {
  for (const { file, selectors } of sheets.filter(({ file }) => file !== "styles/base.css")) {
    expect(
      selectors.filter((selector) => !firstClass(selector)),
      file,
    ).toEqual([]);
  }
});

it("each class is styled by one file", () => {
  const owners = new Map<string, string>();
  for (const { file, selectors } of sheets) {
    for (const name of new Set(selectors.map(firstClass))) {
      if (!name) continue;
      expect(owners.get(name) ?? file, `.${name}`).toBe(file);
      owners.set(name, file);
    }
  }
  expect(owners.size).toBeGreaterThan(50);
});

it("a component imports its own style sheet, and no other one", () => {
  const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".tsx"));
  const imported = sources.flatMap((file) => {
    const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
    const text = readFileSync(SRC + file, "utf8");
    const styles = [...text.matchAll(/^import "\.\/(.*)\.css"/gm)].map(([, name]) => `${folder}${name}.css`);
    if (file !== "main.tsx") for (const style of styles) expect(style).toBe(file.replace(/tsx$/, "css"));
    return styles;
  });
  expect(imported.sort()).toEqual(sheets.map(({ file }) => file).sort());
});
