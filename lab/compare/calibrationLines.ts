/** How far a policy's evidence can be trusted, as a terminal shows it. */

import { formatShare } from "../../engine/index.ts";
import type { CostThreshold, Reliability } from "../score/calibration.ts";
import type { Answered } from "./answer.ts";

/** Nothing for a policy that weighs no evidence; `--json` says why. */
export function calibrationLines({ scored }: Answered): string[] {
  const { proposals, deployments, thresholds } = scored.scorecard.calibration ?? {};
  if (deployments == null) return [];
  return [
    "Evidence against labels, as if it were a probability:",
    ...(proposals == null ? [] : reliabilityLines("questions", proposals)),
    ...reliabilityLines("labelled deployments, asked about or not", deployments),
    ...(thresholds ?? []).map((one) => thresholdLine(one, deployments)),
  ];
}

const percent = (share: number): string => formatShare(Number(share.toFixed(3)));

function reliabilityLines(of: string, reliability: Reliability): string[] {
  const { n, unrelated, meanConfidence, observed, brier, parts, curve } = reliability;
  const { skillAgainstPrior } = reliability;
  const others = unrelated === 0 ? "" : ` and ${percent(unrelated / n)} unrelated incidents`;
  const split =
    parts === null
      ? ""
      : ` = ${parts.reliability.toFixed(3)} reliability − ${parts.resolution.toFixed(3)}` +
        ` resolution + ${parts.uncertainty.toFixed(3)} uncertainty`;
  const skill =
    skillAgainstPrior === null
      ? ""
      : `; ${percent(Math.abs(skillAgainstPrior))} ` +
        `${skillAgainstPrior < 0 ? "worse" : "better"} than saying the prior`;
  const said = curve.map(({ from, to, observed: so, n: count }) => {
    const [least, most] = [percent(from), percent(to)];
    return `${least === most ? least : `${least} to ${most}`} → ${percent(so)} (${count})`;
  });
  return [
    `  ${n} ${of}: said ${percent(meanConfidence)} on average, ${percent(observed)} were ` +
      `regressions${others}; Brier ${brier.toFixed(3)}${split}${skill}`,
    `    ${said.join(", ")}`,
  ];
}

function thresholdLine(threshold: CostThreshold, { by }: Reliability): string {
  const { tier, policy, costs, costsIfHalf, costsIfDouble, rightSaves, reached } = threshold;
  const asks = `  ${tier} asks for ${percent(policy)}`;
  if (rightSaves === 0) return `${asks}; by these costs it saves nothing`;
  const where =
    by !== "isotonic"
      ? "too few regressions to say where it is"
      : reached === null
        ? "at no evidence is it"
        : `it is from ${percent(reached.from)} on (${reached.n})`;
  return (
    `${asks}; by these costs it must be right ${percent(costs)} of the time ` +
    `(${percent(costsIfHalf)} to ${percent(costsIfDouble)} if being wrong costs half or ` +
    `twice): ${where}`
  );
}
