/** Every view with something to look at, and what tells that it is there. */

export interface Shown {
  readonly name: string;
  readonly path: string;
  /** Is there as soon as all of the view is. */
  readonly settled: string;
}

/** @param deploymentId one that the policies treat differently, with a tag if there is one */
export function viewsOf(deploymentId: string): readonly Shown[] {
  return [
    { name: "compare", path: "compare", settled: "td[data-field]" },
    { name: "deployments", path: "deployment", settled: "td .end" },
    {
      name: "deployment",
      path: `deployment?id=${encodeURIComponent(deploymentId)}`,
      settled: ".why li.decision, .why li.end",
    },
    { name: "what-if", path: "what-if", settled: "[data-precision=exact]" },
    { name: "sweep", path: "sweep", settled: "main form" },
    { name: "tags", path: "tags", settled: "#arms" },
    { name: "decisions", path: "decisions", settled: "[data-verified]" },
  ];
}
