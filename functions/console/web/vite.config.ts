import { defineConfig } from "vitest/config";
import { compress } from "./build/compress";
import { world } from "./build/world";

/** The server to which `npm run dev` forwards requests to the API. */
const api = process.env.NUNCIO_URL ?? "http://127.0.0.1:8787";

export default defineConfig({
  plugins: [world(), compress()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  server: { proxy: { "/v1": api } },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Keeps dist/.gitignore; the plugin removes everything else.
    emptyOutDir: false,
    // The content security policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { include: ["src/**/*.test.ts", "build/**/*.test.ts"] },
});
