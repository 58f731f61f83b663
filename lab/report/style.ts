/**
 * The report's style sheet, for light and dark screens and for paper. Charts get their colours from
 * here by class. Every colour's meaning is also said in words beside it.
 */

const LIGHT = `
  color-scheme: light;
  --page: #fbfaf7; --ink: #1b232b; --muted: #56616b; --line: #dcdad2; --strong: #8b8f92;
  --panel: #f2f0ea; --accent: #0b5c8f; --better: #00664f; --worse: #a63600; --open: #59656f;
  --caution: #fff4d6; --caution-edge: #b58900; --current: #4a5763; --candidate: #0072b2;`;

const DARK = `
  color-scheme: dark;
  --page: #12171c; --ink: #e8ebee; --muted: #a6b0b9; --line: #2e3841; --strong: #73808b;
  --panel: #1a2128; --accent: #78c1f0; --better: #55d3b0; --worse: #ff9d6b; --open: #a6b0b9;
  --caution: #2c2611; --caution-edge: #d6ab2c; --current: #aab6c1; --candidate: #5cb5ec;`;

export const STYLE = `
:root {${LIGHT}
  --sans: system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, Charter, Georgia, "DejaVu Serif",
    serif;
  --mono: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) { :root {${DARK} } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
  margin: 0 auto; padding: 3rem 1.25rem 4rem; max-width: 60rem;
  background: var(--page); color: var(--ink);
  font: 16px/1.55 var(--sans); text-wrap: pretty;
}
a { color: var(--accent); text-underline-offset: 0.15em; }
h1, h2 { font-family: var(--serif); font-weight: 600; line-height: 1.15; text-wrap: balance; }
h1 { font-size: clamp(2rem, 5vw, 3rem); margin: 0.25rem 0 1.5rem; letter-spacing: -0.01em; }
h2 { font-size: 1.6rem; margin: 0 0 0.75rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 0.5rem; }
p, ul, dl { margin: 0 0 1rem; max-width: 44rem; }
.eyebrow { margin: 0; color: var(--muted); font-size: 0.9rem; letter-spacing: 0.02em; }
.decision {
  list-style: none; margin: 0 0 1.5rem; padding: 1.25rem 1.5rem; max-width: none;
  background: var(--panel); border-left: 5px solid var(--edge, var(--strong));
  font-size: 1.06rem;
}
.decision.better { --edge: var(--better); }
.decision.worse { --edge: var(--worse); }
.decision.open { --edge: var(--caution-edge); }
.decision li { display: grid; grid-template-columns: 6.5rem 1fr; }
.decision li + li { margin-top: 0.75rem; }
.decision .what { color: var(--muted); font-size: 0.9rem; padding-top: 0.12rem; }
.facts { color: var(--muted); font-size: 0.9rem; max-width: none; }
nav ol { list-style: none; columns: 3 14rem; padding: 1rem 0; margin: 1.5rem 0 0;
  border-block: 1px solid var(--line); font-size: 0.92rem; }
nav li { padding: 0.1rem 0; break-inside: avoid; }
section { margin-top: 3.25rem; }
.caution {
  padding: 0.6rem 0.9rem; background: var(--caution); border-left: 3px solid var(--caution-edge);
  font-size: 0.95rem;
}
pre { overflow-x: auto; padding: 0.75rem 0.9rem; background: var(--panel); font-size: 0.85rem; }
code { font-family: var(--mono); font-size: 0.88em; overflow-wrap: anywhere; }
li { overflow-wrap: anywhere; }
pre code { overflow-wrap: normal; font-size: inherit; }
dl { display: grid; grid-template-columns: minmax(10rem, 15rem) 1fr; gap: 0.4rem 1.25rem;
  max-width: none; font-size: 0.95rem; }
dt { color: var(--muted); } dd { margin: 0; }
.wide { overflow-x: auto; margin: 0 0 1.5rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; line-height: 1.35; }
caption { text-align: left; color: var(--muted); font-size: 0.86rem; padding-bottom: 0.4rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.7rem 0.4rem 0; font-weight: 400; }
thead th { color: var(--muted); font-size: 0.82rem; vertical-align: bottom;
  border-bottom: 1px solid var(--strong); }
tbody tr { border-bottom: 1px solid var(--line); }
tr.group th { padding-top: 1rem; font-weight: 650; }
.right { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th small, td small { display: block; color: var(--muted); font-size: 0.82em; }
.right small, thead .right { white-space: normal; }
th code, td code { overflow-wrap: normal; }
tbody th { min-width: 8rem; }
td.better, li.better { color: var(--better); } td.worse { color: var(--worse); }
td.open { color: var(--open); }
figure { margin: 0 0 1.5rem; }
figcaption { color: var(--muted); font-size: 0.88rem; max-width: 44rem; }
svg { display: block; max-width: 100%; height: auto; overflow: visible; }
td svg { width: 170px; max-width: none; }
svg text { font: 12px var(--sans); fill: var(--muted); }
svg .name { fill: var(--ink); font-size: 13px; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
.rule, .grid { stroke: var(--line); }
.zero { stroke: var(--strong); stroke-width: 1.25; }
.difference { color: var(--open); }
.difference.better { color: var(--better); } .difference.worse { color: var(--worse); }
.band { stroke: currentColor; stroke-width: 6; stroke-opacity: 0.35; stroke-linecap: round; }
.dot { fill: currentColor; stroke: currentColor; stroke-width: 2; }
.difference.open .dot { fill: var(--page); }
.day { fill: var(--accent); fill-opacity: 0.55; }
.day.hole { fill: var(--worse); fill-opacity: 0.35; }
.diagonal { stroke: var(--strong); stroke-dasharray: 4 4; }
.current { color: var(--current); } .candidate { color: var(--candidate); }
.reliability circle { fill: currentColor; fill-opacity: 0.8; }
polyline { fill: none; stroke: currentColor; stroke-width: 2; }
.swept { fill: var(--strong); fill-opacity: 0.45; }
.swept.front { fill: none; stroke: var(--candidate); stroke-width: 2; }
.swept.incumbent { fill: var(--current); fill-opacity: 1; }
.swept.chosen { fill: var(--better); fill-opacity: 1; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line);
  color: var(--muted); font-size: 0.85rem; }
@media screen and (min-width: 62rem) { .right small { white-space: nowrap; } }
@media (max-width: 40rem) {
  .decision li, dl { grid-template-columns: 1fr; }
  dd { margin-bottom: 0.5rem; }
}
@page { size: A4; margin: 16mm 15mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif;
    color: #56616b; }
}
@media print {
  :root { --page: #ffffff; }
  body { padding: 0; max-width: none; font-size: 9.5pt; line-height: 1.45; }
  h1 { font-size: 24pt; } h2 { font-size: 15pt; } h3 { font-size: 11pt; }
  nav { display: none; }
  section { margin-top: 2rem; }
  table { font-size: 8pt; } thead th { font-size: 7.5pt; } small { font-size: 7pt; }
  caption, figcaption, .facts, .eyebrow { font-size: 8.5pt; }
  .caution, .decision, dl { font-size: 9.5pt; } pre { font-size: 8pt; }
  th, td { padding-right: 0.5rem; }
  td svg { width: 110px; }
  .wide { overflow: visible; }
  a { color: inherit; text-decoration: none; }
  h2, h3, caption { break-after: avoid; }
  tr, figure, .decision, .caution, pre, svg { break-inside: avoid; }
  tr.group { break-after: avoid; }
  thead { display: table-header-group; }
  pre { white-space: pre-wrap; }
  .decision, .caution, pre, .day, .band { print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
}
`;
