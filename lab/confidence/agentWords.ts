/** What is said of an agent, the same in a terminal and on a page. */

import { formatShare } from "../../engine/index.ts";
import type { AgentJudged, ShareOf } from "./agents.ts";

/** What a person's yes is worth: how much more often it is given to what is right. */
export function answersText({
  agent,
  accepted,
  acceptedIfRight,
  acceptedIfWrong,
}: Pick<AgentJudged, "agent" | "accepted" | "acceptedIfRight" | "acceptedIfWrong">): string {
  if (accepted === null) return `No answer to ${agent} is recorded.`;
  const says = `People accepted ${shareText(accepted)} of ${accepted.n} answered proposals`;
  if (acceptedIfRight === null || acceptedIfWrong === null) return `${says} of ${agent}.`;
  const [right, wrong] = [shareText(acceptedIfRight), shareText(acceptedIfWrong)];
  const isSame = acceptedIfWrong.high >= acceptedIfRight.low;
  const worth = isSame
    ? "These answers do not show that a yes tells right from wrong."
    : `They accept what is right ${timesText(acceptedIfRight.value, acceptedIfWrong.value)}.`;
  return `${says} of ${agent}: ${right} of the right ones, ${wrong} of the wrong ones. ${worth}`;
}

function timesText(right: number, wrong: number): string {
  return wrong === 0 ? "and never what is wrong" : `${(right / wrong).toFixed(1)} times as often`;
}

export function shareText(share: ShareOf): string {
  if (share === null) return "–";
  const [value, low, high] = [share.value, share.low, share.high].map(rounded);
  return `${formatShare(value!)} [${formatShare(low!)}, ${formatShare(high!)}]`;
}

export function pointsText(value: number): string {
  return `${value < 0 ? "−" : "+"}${(Math.abs(value) * 100).toFixed(1)} pp`;
}

/** To tenths of a per cent, as people read it. */
export function rounded(share: number): number {
  return Math.round(share * 1000) / 1000;
}
