/** The difference between two documents, line by line. */

import { useMemo } from "preact/hooks";
import { hunks, lineChanges } from "../differences";
import { visible } from "../text";

const SIGNS = { same: " ", added: "+", removed: "−" } as const;

export function LineChanges({ before, after }: { before: string; after: string }) {
  const lines = useMemo(() => hunks(lineChanges(before, after)), [before, after]);
  if (!lines.some((line) => line && line.kind !== "same")) return <p class="dim">They are the same.</p>;
  return (
    <pre class="line-changes" tabIndex={0}>
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
