/** What a table of deployments shows. */

import { own } from "../../../engine/index.ts";
import type { DeploymentRow } from "../../../lab/server/contract/deployments.ts";
import type { Column } from "../../parts/column.ts";

/** @param policies those whose ends are known, each a column `end:ID` */
export function listColumns(
  policies: readonly { readonly id: string; readonly name: string }[],
): readonly Column<DeploymentRow>[] {
  return [
    { key: "deployment", title: "deployment", value: ({ deploymentId }) => deploymentId },
    { key: "started", title: "started", value: ({ startedAt }) => startedAt },
    { key: "team", title: "team", value: ({ team }) => team },
    { key: "kind", title: "change", value: ({ kind }) => kind },
    { key: "label", title: "label", value: ({ label }) => label },
    ...policies.map(({ id, name }) => ({
      key: `end:${id}`,
      title: name,
      value: ({ ends }: DeploymentRow) => own(ends, id)?.end ?? null,
    })),
  ];
}
