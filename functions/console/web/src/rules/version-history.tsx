/** All versions of the rules document: who applied each, when, and what it changed. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { read, request } from "../api/client";
import type { ConfigVersion, List } from "../api/types";
import { useEntryState } from "../app/entries";
import { Failure, Waiting } from "../components/states";
import { When } from "../components/when";
import { visible } from "../format/text";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { LineDiff } from "./line-diff-view";
import "./version-history.css";

export function VersionHistory() {
  const now = useNow();
  const [limit, setLimit] = useEntryState("limit", 20);
  const list = useLoad(`versions ${limit}`, (signal) =>
    read<List<ConfigVersion>>("/v1/config/versions", { limit }, signal),
  );
  if (list.problem) return <Failure problem={list.problem} retry={list.reload} />;
  if (!list.data) return <Waiting />;
  const versions = list.data.results;
  return (
    <>
      <ol class="card-list versions">
        {versions.map((version, at) => (
          <li key={version.version} class="panel">
            <Collapsible content={() => <VersionDiff version={version.version} before={versions[at + 1]?.version} />}>
              <b>Version {version.version}</b>
              {at === 0 && <span class="mark delivered">active</span>}
              <span class="dim">
                {visible(version.by)}
                {version.at && (
                  <>
                    , <When at={version.at} now={now} />
                  </>
                )}
              </span>
            </Collapsible>
            {at > 0 && (
              <a href={`/rules?view=document&version=${version.version}`} class="small">
                Restore in the editor
              </a>
            )}
          </li>
        ))}
      </ol>
      {list.data.next && limit < 50 && (
        <button type="button" onClick={() => setLimit(50)}>
          Show older versions
        </button>
      )}
    </>
  );
}

/** Renders `content` when it is opened, so that nothing is loaded before. */
function Collapsible({ content, children }: { content: () => ComponentChildren; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{children}</summary>
      {open && content()}
    </details>
  );
}

async function source(version: number, signal: AbortSignal): Promise<string> {
  return (await request(`/v1/config/versions/${version}`, { signal })).text();
}

function VersionDiff({ version, before }: { version: number; before?: number }) {
  const both = useLoad(`compare ${before} ${version}`, (signal) =>
    Promise.all([before === undefined ? "" : source(before, signal), source(version, signal)]),
  );
  if (both.problem) return <Failure problem={both.problem} />;
  if (!both.data) return <Waiting />;
  return <LineDiff before={both.data[0]} after={both.data[1]} />;
}
