/** The menu that exports the filtered events as a file. */

import { useRef, useState } from "preact/hooks";
import { Icon } from "../components/icons";
import { Failure } from "../components/states";
import { useAction } from "../hooks/use-action";
import { download, type Format } from "./export";
import type { Filters } from "./filters";
import "./export-menu.css";

const FORMATS: [Format, string, string][] = [
  ["csv", "CSV", "for spreadsheets"],
  ["ndjson", "NDJSON", "complete events, one per line"],
];

export function ExportMenu({ filters }: { filters: Filters }) {
  const action = useAction();
  const [status, setStatus] = useState("");
  const menu = useRef<HTMLDetailsElement>(null);
  const save = (format: Format) =>
    action.run(async () => {
      setStatus("Fetching…");
      const complete = await download(filters, format, (bytes) => setStatus(`${(bytes / 1e6).toFixed(1)} MB so far…`));
      setStatus(
        complete
          ? "Saved."
          : "Incomplete: there are more events than the browser can hold. `nuncio export` writes all of them.",
      );
      if (complete && menu.current) menu.current.open = false;
    });
  return (
    <details class="export-menu" ref={menu} onToggle={() => setStatus("")}>
      <summary>
        <Icon name="down" /> Export
      </summary>
      <div class="export-menu-panel">
        <p class="dim small">All events that match the filters</p>
        {FORMATS.map(([format, name, what]) => (
          <button key={format} type="button" class="plain" disabled={action.busy} onClick={() => save(format)}>
            <b>{name}</b> {what}
          </button>
        ))}
        <p class="small" role="status">
          {status}
        </p>
        {action.problem && <Failure problem={action.problem} />}
      </div>
    </details>
  );
}
