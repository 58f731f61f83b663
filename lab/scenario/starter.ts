/** The scenario that `scenario new` writes: complete, commented and passing. */

const HEAD = `# yaml-language-server: $schema=scenario.schema.json
# (hindsight scenario schema > scenario.schema.json gives editors the form)
#
# Run it:      hindsight scenario test FILE
# Look at it:  hindsight scenario run FILE --trace
`;

/** @param file named in the commands of the comments, so that they can be copied */
export function starterText(name: string, file: string): string {
  return `${HEAD.replaceAll("FILE", file)}name: ${JSON.stringify(name)}
question: Does silence in the override window roll a bad deployment back?
why: >-
  What this shows, and why it must stay so. A colleague reads this line when the scenario
  fails in two years.

# Your own policy: a path relative to this file. Written out here so that this file runs
# anywhere. \`policies:\` takes several by name, each with \`set:\` and \`vary:\`.
policy:
  policy: starter
  owner: platform-reliability
  watch: 60m
  signals:
    latency: { metric: latency_p95_ms, worse: up, tolerance: 10%, detector: { kind: cusum } }
  tiers: { override: { window: 2m, onTimeout: rollback } }
  assign: [{ otherwise: override }]

# One deployment, written out. A \`history:\` (a directory) or a \`world:\` (file, seed, from,
# to) can stand in the place of everything from here to \`events:\`.
startsAt: 2026-03-12T09:00:00Z # the first sample
every: 15s # and the spacing of all of them
deployment: { service: orders, kind: code, startedAt: "10:00" } # UTC
tags: [] # - { tag: expected_latency_increase, value: 15%, knownAt: "09:30" }

series: # 240x280 is 280 samples of 240; _ is a missing scrape, stalex4 is silence
  latency_p95_ms: "240x280 384x200" # 60 % slower from 10:10

events: [] # - { at: "10:12", override: { by: dana, justification: "cache is warming" } }

expect:
  end: rolledBack
  commands: ["10:11:15 propose", "10:11:15 page", "10:13:15 rollBack", "10:13:15 notify"]
  times: { executed: "10:14:45" }
`;
}
