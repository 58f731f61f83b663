/** The name of a deployment: a link into the lab where the report has the lab's address. */

import type { Piece } from "../blocks.ts";
import type { ReportDocument } from "../document.ts";

export function deploymentPiece(
  { lab }: ReportDocument["asked"],
  policies: ReportDocument["policies"],
  deploymentId: string,
): Piece {
  if (lab === "") return deploymentId;
  const search = new URLSearchParams({ id: deploymentId });
  for (const { name } of policies) search.append("policy", name);
  return { href: `${lab.replace(/\/$/, "")}/deployment?${search.toString()}`, text: deploymentId };
}
