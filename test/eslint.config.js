/**
 * Lint for every room. Types come from the nearest tsconfig.json, so files in
 * engine/ are linted with the engine's own (no DOM, no Node), and ui/ with the browser's.
 */
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "coverage/", ".hindsight/"]),
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.svelte"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: `${import.meta.dirname}/..`,
        extraFileExtensions: [".svelte"],
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-unnecessary-condition": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    extends: [svelte.configs.recommended],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      // Plain links: the shell's router listens for clicks, and there is no SvelteKit.
      "svelte/no-navigation-without-resolve": "off",
      // Maps here are made anew for every state and changed by nobody after.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
  {
    files: ["ui/**/*.{ts,js,svelte}"],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ["**/*.js", "lab/**/*.ts", "datasets/**/*.ts", "test/**/*.ts"],
    languageOptions: { globals: globals.node },
  },
  {
    files: ["lab/**/*.ts"],
    ignores: ["lab/yaml.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          name: "yaml",
          importNames: ["parse", "parseDocument", "parseAllDocuments", "Parser", "Composer"],
          message: "lab/yaml.ts parses YAML: it bounds what the library is given.",
        },
      ],
    },
  },
  {
    // The tidy test holds the full rule; this one shows it in the editor.
    files: ["engine/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^(?!\\.{1,2}/|simple-statistics$|zod$)|/(lab|datasets|test|ui)/",
              message: "The engine is pure; pass it in as an argument.",
            },
          ],
        },
      ],
    },
  },
);
