/** Shows the difference between two documents, line by line. */

import { useMemo } from "preact/hooks";
import { visible } from "../format/text";
import { diffLines, hunks } from "./line-diff";
import "./line-diff-view.css";

const SIGNS = { same: " ", added: "+", removed: "−" } as const;

export function LineDiff({ before, after }: { before: string; after: string }) {
  const lines = useMemo(() => hunks(diffLines(before, after)), [before, after]);
  if (!lines.some((line) => line && line.kind !== "same")) return <p class="dim">No differences.</p>;
  return (
    <pre class="line-diff" tabIndex={0}>
      {lines.map((line, at) =>
        line ? (
          <div key={at} class={line.kind}>
            <span class="sign">{SIGNS[line.kind]}</span>
            {visible(line.text)}
          </div>
        ) : (
          <div key={at} class="gap">
            ⋯
          </div>
        ),
      )}
    </pre>
  );
}
