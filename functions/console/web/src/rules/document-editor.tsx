/** The editor of the rules document: checks it while the user types, offers a dry run, and applies it. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Problem, request } from "../api/client";
import type { Fault } from "../api/types";
import { navigate } from "../app/routes";
import { useSession } from "../app/session";
import { Failure, Waiting } from "../components/states";
import { DRAFT_KEY } from "../event/alert-draft";
import { plural, visible } from "../format/text";
import { useAction } from "../hooks/use-action";
import { useLoad } from "../hooks/use-load";
import { type Draft, insert } from "./draft";
import { DryRunPanel } from "./dry-run-panel";
import { LineDiff } from "./line-diff-view";
import { keepUnsaved, unsaved, useWarningBeforeClose } from "./unsaved";
import { YamlField } from "./yaml-field";
import "./document-editor.css";

interface StoredDocument {
  source: string;
  version: string;
  editable: boolean;
}

async function load(signal: AbortSignal): Promise<StoredDocument> {
  const response = await request("/v1/config", { signal, headers: { Accept: "application/yaml" } });
  const version = response.headers.get("ETag") ?? "";
  return { source: await response.text(), version, editable: (response.headers.get("Allow") ?? "PUT").includes("PUT") };
}

export function DocumentEditor({ restore, find }: { restore: string | null; find: string | null }) {
  const stored = useLoad("document", load);
  const earlier = useLoad(`version ${restore}`, async (signal) =>
    restore === null
      ? undefined
      : (await request(`/v1/config/versions/${encodeURIComponent(restore)}`, { signal })).text(),
  );
  if (stored.problem) return <Failure problem={stored.problem} retry={stored.reload} />;
  if (earlier.problem) return <Failure problem={earlier.problem} />;
  if (!stored.data || (restore !== null && earlier.data === undefined)) return <Waiting />;
  return (
    <Editor
      key={stored.data.version}
      stored={stored.data}
      earlier={restore !== null && earlier.data !== undefined ? { version: restore, text: earlier.data } : undefined}
      find={find}
      applied={() => {
        if (restore !== null) navigate("/rules?view=document", "replace");
        stored.reload();
      }}
    />
  );
}

function Editor({
  stored,
  earlier,
  find,
  applied,
}: {
  stored: StoredDocument;
  /** An earlier version that is to be restored. */
  earlier?: { version: string; text: string };
  find: string | null;
  applied: () => void;
}) {
  const { admin } = useSession();
  const [begun] = useState(() => begin(stored, earlier));
  const [text, setText] = useState(begun.text);
  const [version, setVersion] = useState(begun.version);
  const [offered, setOffered] = useState(begun.restored && earlier !== undefined && earlier.text !== begun.text);
  const [isDryRunOpen, setDryRunOpen] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const checked = useCheck(text);
  const faults = checked?.faults;
  const changed = text !== stored.source;
  useEffect(() => keepUnsaved(changed ? { text, version } : undefined), [text, version, changed]);
  useWarningBeforeClose(changed);
  const action = useAction();
  const canApply = admin && stored.editable;
  const apply = () =>
    action.run(async () => {
      try {
        await request("/v1/config", {
          method: "PUT",
          text,
          headers: { "If-Match": version, "Content-Type": "application/yaml" },
        });
      } catch (error) {
        // Somebody else was first. The editor says so once it has their document.
        if (error instanceof Problem && error.status === 412) applied();
        throw error;
      }
      keepUnsaved(undefined);
      applied();
    });
  const show = (line: number, column: number) => {
    const at = offset(text, line, column);
    area.current?.focus();
    area.current?.setSelectionRange(at, at);
    const height = parseFloat(getComputedStyle(area.current!).lineHeight);
    area.current!.scrollTop = Math.max(0, (line - 6) * height);
  };
  useEffect(() => {
    const line = text === stored.source ? keyLine(text, find) : firstDifference(stored.source, text);
    if (line) show(line, 1);
  }, [find]);
  return (
    <div class="document-editor">
      {!stored.editable && (
        <p class="notice-line">
          The document comes from a file. Edit that file; Nuncio reloads it automatically. You can do a dry run of
          changes here.
        </p>
      )}
      {stored.editable && !admin && (
        <p class="notice-line">Your token is read-only: you can do a dry run of changes here, but not apply them.</p>
      )}
      {changed && version !== stored.version ? (
        <p class="notice-line buttons">
          <span>
            The document was changed by somebody else after you began. Below, your text is compared with the active
            document.
          </span>
          <button type="button" onClick={() => setVersion(stored.version)}>
            Apply mine over it
          </button>
        </p>
      ) : (
        changed &&
        begun.restored &&
        !offered &&
        text === begun.text && <p class="notice-line">These are your unsaved changes from before.</p>
      )}
      {earlier && offered && changed && (
        <p class="notice-line buttons">
          <span>You have unsaved changes. Version {earlier.version} would replace them.</span>
          <button
            type="button"
            onClick={() => {
              setText(earlier.text);
              setVersion(stored.version);
              setOffered(false);
            }}
          >
            Load version {earlier.version}
          </button>
        </p>
      )}
      <div class="editor panel">
        <LineNumbers text={text} faults={faults ?? []} warnings={checked?.warnings ?? []} area={area} />
        <YamlField area={area} text={text} change={setText} invalid={Boolean(faults?.length)} />
      </div>
      <div id="faults" class="faults" role="status">
        {checked === undefined ? (
          <p class="dim">Checking…</p>
        ) : checked.faults.length ? (
          <>
            <p class="bad">
              <b>{plural(checked.faults.length, "fault")}</b>. Fix {checked.faults.length === 1 ? "it" : "them"} before
              you apply the document.
            </p>
            <FaultList faults={checked.faults} show={show} />
          </>
        ) : (
          <>
            <p class="good">No faults.</p>
            {checked.warnings.length > 0 && (
              <>
                <p class="warn">
                  <b>{plural(checked.warnings.length, "warning")}</b>. You can apply the document, but check{" "}
                  {checked.warnings.length === 1 ? "this line" : "these lines"}.
                </p>
                <FaultList faults={checked.warnings} show={show} />
              </>
            )}
          </>
        )}
      </div>
      <div class="buttons">
        <button
          type="button"
          disabled={!faults || faults.length > 0}
          onClick={() => setDryRunOpen(!isDryRunOpen)}
          aria-expanded={isDryRunOpen}
        >
          Dry run
        </button>
        {canApply && (
          <button
            type="button"
            class="primary"
            disabled={!changed || version !== stored.version || !faults || faults.length > 0 || action.busy}
            onClick={apply}
          >
            Apply
          </button>
        )}
        {changed && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              setText(stored.source);
              setVersion(stored.version);
            }}
          >
            Discard changes
          </button>
        )}
      </div>
      {action.problem && <Failure problem={action.problem} />}
      {isDryRunOpen && faults?.length === 0 && <DryRunPanel document={text} />}
      {changed && (
        <section class="panel" aria-label="Changes">
          <h2>Changes to the active document</h2>
          <LineDiff before={stored.source} after={text} />
        </section>
      )}
    </div>
  );
}

/** The first 50 faults or warnings; a click shows the place. */
function FaultList({ faults, show }: { faults: Fault[]; show: (line: number, column: number) => void }) {
  return (
    <ol>
      {faults.slice(0, 50).map((fault) => (
        <li key={`${fault.line}:${fault.column}:${fault.what}`}>
          <button type="button" class="plain fault" onClick={() => show(fault.line, fault.column)}>
            <span class="number">
              {fault.line}:{fault.column}
            </span>
            <span>
              {visible(fault.what)}; <span class="dim">{visible(fault.hint)}</span>
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** The line numbers. They mark lines with faults or warnings and scroll with the text. */
function LineNumbers({
  text,
  faults,
  warnings,
  area,
}: {
  text: string;
  faults: Fault[];
  warnings: Fault[];
  area: { current: HTMLTextAreaElement | null };
}) {
  const gutter = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => text.split("\n").length, [text]);
  const faulty = new Set(faults.map((fault) => fault.line));
  const doubtful = new Set(warnings.map((warning) => warning.line));
  const mark = (line: number) => (faulty.has(line) ? "line faulty" : doubtful.has(line) ? "line doubtful" : "line");
  useEffect(() => {
    const element = area.current;
    if (!element) return undefined;
    const follow = () => {
      if (gutter.current) gutter.current.scrollTop = element.scrollTop;
    };
    element.addEventListener("scroll", follow);
    return () => element.removeEventListener("scroll", follow);
  }, []);
  return (
    <div class="gutter" ref={gutter} aria-hidden="true">
      {Array.from({ length: lines }, (_, at) => (
        <div key={at} class={mark(at + 1)}>
          {at + 1}
        </div>
      ))}
    </div>
  );
}

interface CheckResult {
  faults: Fault[];
  warnings: Fault[];
}

/** What the server finds in the text, a moment after the last change; `undefined` while it is checked. */
function useCheck(text: string): CheckResult | undefined {
  const [checked, setChecked] = useState<CheckResult & { text: string }>();
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const response = await request("/v1/config/check", {
          method: "POST",
          text,
          headers: { "Content-Type": "application/yaml" },
          signal: stop.signal,
        });
        const { faults, warnings } = (await response.json()) as CheckResult;
        setChecked({ text, faults, warnings });
      } catch (error) {
        if (!stop.signal.aborted)
          setChecked({
            text,
            faults: [{ line: 1, column: 1, what: "cannot check the document", hint: String((error as Error).message) }],
            warnings: [],
          });
      }
    }, 350);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [text]);
  return checked?.text === text ? checked : undefined;
}

/** The index in `text` of a line and a column. Both count from 1; columns count characters. */
function offset(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return before + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

/** The last line that begins with the key: the rule of a name comes after a policy of the same name. */
function keyLine(text: string, key: string | null): number | undefined {
  const lines = key === null ? [] : text.split("\n");
  const at = lines.findLastIndex((line) => line.trim().replace(/["']/g, "").startsWith(`${key}:`));
  return at < 0 ? undefined : at + 1;
}

function firstDifference(before: string, after: string): number | undefined {
  const [old, lines] = [before.split("\n"), after.split("\n")];
  const at = lines.findIndex((line, index) => line !== old[index]);
  return at < 0 ? undefined : at + 1;
}

/** The text to begin with: unsaved changes, an earlier version, or the stored document; with the draft of a rule, if any. */
function begin(
  stored: StoredDocument,
  earlier: { text: string } | undefined,
): { text: string; version: string; restored: boolean } {
  const kept = unsaved();
  const known = kept && kept.text !== stored.source ? kept : undefined;
  const { text, version } = known ?? { text: earlier?.text ?? stored.source, version: stored.version };
  return { text: withDraft(text), version, restored: known !== undefined };
}

/** Inserts the draft that the page of an event has left in the session storage. */
function withDraft(source: string): string {
  const draft = sessionStorage.getItem(DRAFT_KEY);
  if (!draft) return source;
  sessionStorage.removeItem(DRAFT_KEY);
  return insert(source, JSON.parse(draft) as Draft);
}
