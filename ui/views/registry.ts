/**
 * The views, in the order of the navigation. A view is one folder here with a component
 * of its own name; it is fetched when it is first opened. It takes no props: what it
 * shows, it reads from the address.
 */

import type { Component } from "svelte";

export interface View {
  /** The first part of its address. */
  readonly name: string;
  readonly title: string;
  /** What question it answers, for the tooltip and for the page's title. */
  readonly asks: string;
  readonly load: () => Promise<{ readonly default: Component }>;
}

export const VIEWS: readonly View[] = [
  {
    name: "compare",
    title: "Compare",
    asks: "What would each policy have done?",
    load: () => import("./compare/Compare.svelte"),
  },
  {
    name: "deployment",
    title: "Deployments",
    asks: "What happened to one deployment, and why?",
    load: () => import("./deployment/Deployment.svelte"),
  },
  {
    name: "what-if",
    title: "What if",
    asks: "What would a changed policy have done?",
    load: () => import("./whatIf/WhatIf.svelte"),
  },
  {
    name: "sweep",
    title: "Sweep",
    asks: "Which of many variations is worth changing to, if any?",
    load: () => import("./sweep/Sweep.svelte"),
  },
  {
    name: "tags",
    title: "Tags",
    asks: "What was it worth that people declared what they knew?",
    load: () => import("./tags/Tags.svelte"),
  },
  {
    name: "agents",
    title: "Agents",
    asks: "How often is an agent that proposes right, and is it as sure as it should be?",
    load: () => import("./agents/Agents.svelte"),
  },
  {
    name: "decisions",
    title: "Decisions",
    asks: "What was decided, by whom, why, and is the log whole?",
    load: () => import("./decisions/Decisions.svelte"),
  },
];
