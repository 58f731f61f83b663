// Before the first paint, so that a dark page never flashes white; see shell/theme.svelte.ts.
const stored = localStorage.getItem("hindsight.theme");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = stored ?? (dark ? "dark" : "light");
