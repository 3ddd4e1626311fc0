/** Every version of the rules document: who put it in force, when, and what it changed. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { read, request } from "../api";
import { useLoad, useNow } from "../hooks";
import { visible } from "../text";
import type { List, Version } from "../types";
import { LineChanges } from "./line-changes";
import { Failure, Waiting } from "./states";
import { When } from "./when";

export function History() {
  const now = useNow();
  const [limit, setLimit] = useState(20);
  const list = useLoad(`versions ${limit}`, (signal) => read<List<Version>>("/v1/config/versions", { limit }, signal));
  if (list.problem) return <Failure problem={list.problem} retry={list.reload} />;
  if (!list.data) return <Waiting />;
  const versions = list.data.results;
  return (
    <>
      <ol class="versions">
        {versions.map((version, at) => (
          <li key={version.version} class="panel">
            <Folded
              compared={() => <Compared version={version.version} before={versions[at + 1]?.version} />}
            >
                <b>Version {version.version}</b>
                {at === 0 && <span class="mark delivered">in force</span>}
                <span class="dim">
                  {visible(version.by)}
                  {version.at && (
                    <>
                      , <When at={version.at} now={now} />
                    </>
                  )}
                </span>
            </Folded>
              {at > 0 && (
                <a href={`/rules?view=document&version=${version.version}`} class="small">
                  Edit from this version
                </a>
              )}
          </li>
        ))}
      </ol>
      {list.data.next && limit < 50 && (
        <button type="button" onClick={() => setLimit(50)}>
          Show older ones
        </button>
      )}
    </>
  );
}

/** Fetched when it is opened. */
function Folded({ compared, children }: { compared: () => ComponentChildren; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{children}</summary>
      {open && compared()}
    </details>
  );
}

async function source(version: number, signal: AbortSignal): Promise<string> {
  return (await request(`/v1/config/versions/${version}`, { signal })).text();
}

function Compared({ version, before }: { version: number; before?: number }) {
  const both = useLoad(`compare ${before} ${version}`, (signal) => Promise.all([before === undefined ? "" : source(before, signal), source(version, signal)]));
  if (both.problem) return <Failure problem={both.problem} />;
  if (!both.data) return <Waiting />;
  return <LineChanges before={both.data[0]} after={both.data[1]} />;
}
