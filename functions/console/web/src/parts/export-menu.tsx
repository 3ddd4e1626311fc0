/** What the filters admit, as a file. */

import { useRef, useState } from "preact/hooks";
import { type Format, download } from "../download";
import type { Filters } from "../filters";
import { useAction } from "../hooks";
import { Icon } from "./icons";
import { Failure } from "./states";

const FORMATS: [Format, string, string][] = [
  ["csv", "CSV", "for spreadsheets"],
  ["ndjson", "NDJSON", "whole events, one a line"],
];

export function ExportMenu({ filters }: { filters: Filters }) {
  const action = useAction();
  const [said, setSaid] = useState("");
  const menu = useRef<HTMLDetailsElement>(null);
  const save = (format: Format) =>
    action.run(async () => {
      setSaid("Fetching…");
      const whole = await download(filters, format, (bytes) => setSaid(`${(bytes / 1e6).toFixed(1)} MB so far…`));
      setSaid(whole ? "Saved." : "Cut off: there is more. `nuncio export` writes all of it.");
      if (whole && menu.current) menu.current.open = false;
    });
  return (
    <details class="drop" ref={menu} onToggle={() => setSaid("")}>
      <summary>
        <Icon name="down" /> Export
      </summary>
      <div class="drop-panel">
        <p class="dim small">All events that these filters admit</p>
        {FORMATS.map(([format, name, what]) => (
          <button key={format} type="button" class="plain" disabled={action.busy} onClick={() => save(format)}>
            <b>{name}</b> {what}
          </button>
        ))}
        <p class="small" role="status">
          {said}
        </p>
        {action.problem && <Failure problem={action.problem} />}
      </div>
    </details>
  );
}
