/** JUnit XML as CI servers read it. */

export interface JunitCase {
  readonly className: string;
  readonly name: string;
  readonly seconds?: number;
  /** Null where it passed. */
  readonly problem: {
    readonly element: "failure" | "error";
    readonly type: string;
    readonly message: string;
    /** More than fits a line. */
    readonly details?: string;
  } | null;
}

export function junitXml(suite: string, cases: readonly JunitCase[]): string {
  const count = (element: "failure" | "error"): number =>
    cases.filter(({ problem }) => problem?.element === element).length;
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites>`,
    `  <testsuite name="${inXml(suite)}" tests="${cases.length}" ` +
      `failures="${count("failure")}" errors="${count("error")}" skipped="0">`,
    ...cases.map(caseXml),
    `  </testsuite>`,
    `</testsuites>`,
    "",
  ].join("\n");
}

function caseXml({ className, name, seconds, problem }: JunitCase): string {
  const time = seconds === undefined ? "" : ` time="${seconds}"`;
  const open = `    <testcase classname="${inXml(className)}" name="${inXml(name)}"${time}`;
  if (problem === null) return `${open}/>`;
  const { element, type, message, details } = problem;
  const start = `${open}><${element} type="${inXml(type)}" message="${inXml(message)}"`;
  return details === undefined
    ? `${start}/></testcase>`
    : `${start}>${lines(details)}</${element}></testcase>`;
}

function lines(text: string): string {
  return text.split("\n").map(inXml).join("\n");
}

/** Control characters are not allowed in XML at all, not even escaped. */
function inXml(text: string): string {
  return text
    .replace(/[\p{Cc}]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
