import { defineConfig } from "vitest/config";

/** The journeys in a real browser, one file after the other: each has a Nuncio of its own. */
export default defineConfig({
  test: { include: ["tests/**/*.test.ts"], fileParallelism: false, testTimeout: 60_000, hookTimeout: 300_000 },
});
