/**
 * Builds the web lab into dist/ui. Everything is a file of our own there: nothing is
 * inlined, so that the page runs under a policy without inline scripts or data URLs.
 */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const API = process.env["HINDSIGHT_API"] ?? "http://127.0.0.1:4173";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: "../dist/ui",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // The engine's own modules do nothing when they are loaded, so words can be taken
      // from it without its schemas.
      treeshake: { moduleSideEffects: (id) => !/\/(engine|lab)\//.test(id) },
    },
  },
  // `npx vite ui` with a server beside it: `HINDSIGHT_API=http://127.0.0.1:PORT`.
  server: { proxy: { "/api": API } },
});
