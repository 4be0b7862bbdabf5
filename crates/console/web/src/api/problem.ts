// What went wrong with a request, in the form every API here answers with (problem documents, RFC 9457): what, why, and
// how to mend it. The words come from the API; what the page adds when there was no answer at all is decided in `i18n`.

/** A finding of a payload check: where, how grave, what, and how to mend it. */
export interface Finding {
  path: string;
  severity: "error" | "warning" | "note";
  reason: string;
  fix: string;
}

/** The members of a problem document that this page reads. */
interface ProblemDocument {
  title?: unknown;
  detail?: unknown;
  findings?: unknown;
}

/** A request that didn't do what was wanted. `status` 0: nothing answered. */
export class Problem extends Error {
  readonly status: number;
  /** What is wrong and what would help; empty if the answer didn't say. */
  readonly detail: string;
  readonly findings: Finding[];

  constructor(status: number, title: string, detail: string, findings: Finding[] = []) {
    super(title);
    this.name = "Problem";
    this.status = status;
    this.detail = detail;
    this.findings = findings;
  }
}

/** Reads the problem out of an answer that isn't 2xx, whatever its body is. */
export async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text().catch(() => "");
  return readProblem(answer.status, answer.statusText, text);
}

export function readProblem(status: number, statusText: string, body: string): Problem {
  let document: ProblemDocument = {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null) {
      document = parsed;
    }
  } catch {
    // Not JSON: what a proxy or a crash may answer. Its first words are better than none.
    document = { detail: body.slice(0, 300) };
  }
  const title = typeof document.title === "string" ? document.title : statusText || String(status);
  const detail = typeof document.detail === "string" ? document.detail : "";
  return new Problem(status, title, detail, findingsOf(document.findings));
}

function findingsOf(found: unknown): Finding[] {
  return Array.isArray(found) ? found.filter(isFinding) : [];
}

function isFinding(value: unknown): value is Finding {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  return ["path", "severity", "reason", "fix"].every((key) => typeof Reflect.get(value, key) === "string");
}
