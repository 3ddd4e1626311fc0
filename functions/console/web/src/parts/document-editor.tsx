/** The rules document: edited, checked as one types, tried on what is stored, put in force. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { request } from "../api";
import { type Draft, insert } from "../draft";
import { useAction, useLoad } from "../hooks";
import { useSession } from "../session";
import { plural, visible } from "../text";
import type { Fault } from "../types";
import { DRAFT } from "./alert-draft";
import { LineChanges } from "./line-changes";
import { Rehearsal } from "./rehearsal";
import { Failure, Waiting } from "./states";
import { Writing } from "./writing";

interface Written {
  source: string;
  version: string;
  editable: boolean;
}

async function load(signal: AbortSignal): Promise<Written> {
  const response = await request("/v1/config", { signal, headers: { Accept: "application/yaml" } });
  const version = response.headers.get("ETag") ?? "";
  return { source: await response.text(), version, editable: (response.headers.get("Allow") ?? "PUT").includes("PUT") };
}

export function DocumentEditor({ restore, find }: { restore: string | null; find: string | null }) {
  const written = useLoad("document", load);
  const earlier = useLoad(`version ${restore}`, async (signal) =>
    restore === null ? undefined : (await request(`/v1/config/versions/${encodeURIComponent(restore)}`, { signal })).text(),
  );
  if (written.problem) return <Failure problem={written.problem} retry={written.reload} />;
  if (earlier.problem) return <Failure problem={earlier.problem} />;
  if (!written.data || (restore !== null && earlier.data === undefined)) return <Waiting />;
  return <Editor key={written.data.version} written={written.data} start={earlier.data} find={find} applied={written.reload} />;
}

function Editor({ written, start, find, applied }: { written: Written; start?: string; find: string | null; applied: () => void }) {
  const { admin } = useSession();
  const [text, setText] = useState(() => start ?? withDraft(written.source));
  const [trying, setTrying] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const faults = useFaults(text);
  const changed = text !== written.source;
  const action = useAction();
  const may = admin && written.editable;
  const apply = () =>
    action.run(async () => {
      await request("/v1/config", { method: "PUT", text, headers: { "If-Match": written.version, "Content-Type": "application/yaml" } });
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
    const line = text === written.source ? keyLine(text, find) : firstDifference(written.source, text);
    if (line) show(line, 1);
  }, [find]);
  return (
    <div class="editor-page">
      {!written.editable && <p class="notice-line">The document comes from a file beside the process. Edit that file; it is read again by itself. Here it can be tried.</p>}
      {written.editable && !admin && <p class="notice-line">Your token may only read: changes can be tried here, but not put in force.</p>}
      <div class="editor panel">
        <Lines text={text} faults={faults ?? []} area={area} />
        <Writing area={area} text={text} change={setText} faulty={Boolean(faults?.length)} />
      </div>
      <div id="faults" class="faults" role="status">
        {faults === undefined ? (
          <p class="dim">Checking…</p>
        ) : faults.length ? (
          <>
            <p class="bad">
              <b>{plural(faults.length, "fault")}</b>; what is in force stays until {faults.length === 1 ? "it is" : "they are"} mended.
            </p>
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
          </>
        ) : (
          <p class="good">No faults.</p>
        )}
      </div>
      <div class="buttons">
        <button type="button" disabled={!faults || faults.length > 0} onClick={() => setTrying(!trying)} aria-expanded={trying}>
          Try it on what is stored
        </button>
        {may && (
          <button type="button" class="primary" disabled={!changed || !faults || faults.length > 0 || action.busy} onClick={apply}>
            Put it in force
          </button>
        )}
        {changed && (
          <button type="button" class="plain" onClick={() => setText(written.source)}>
            Undo all changes
          </button>
        )}
      </div>
      {action.problem && <Failure problem={action.problem} />}
      {trying && faults?.length === 0 && <Rehearsal document={text} />}
      {changed && (
        <section class="panel" aria-label="Changes">
          <h2>Changes to what is in force</h2>
          <LineChanges before={written.source} after={text} />
        </section>
      )}
    </div>
  );
}

/** Line numbers beside the text, those with faults marked; they scroll with it. */
function Lines({ text, faults, area }: { text: string; faults: Fault[]; area: { current: HTMLTextAreaElement | null } }) {
  const gutter = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => text.split("\n").length, [text]);
  const faulty = new Set(faults.map((fault) => fault.line));
  useEffect(() => {
    const element = area.current;
    if (!element) return undefined;
    const follow = () => gutter.current && (gutter.current.scrollTop = element.scrollTop);
    element.addEventListener("scroll", follow);
    return () => element.removeEventListener("scroll", follow);
  }, []);
  return (
    <div class="gutter" ref={gutter} aria-hidden="true">
      {Array.from({ length: lines }, (_, at) => (
        <div key={at} class={faulty.has(at + 1) ? "line faulty" : "line"}>
          {at + 1}
        </div>
      ))}
    </div>
  );
}

/** The server's own check, a moment after the last key. */
function useFaults(text: string): Fault[] | undefined {
  const [checked, setChecked] = useState<{ text: string; faults: Fault[] }>();
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const response = await request("/v1/config/check", { method: "POST", text, headers: { "Content-Type": "application/yaml" }, signal: stop.signal });
        const { faults } = (await response.json()) as { faults: Fault[] };
        setChecked({ text, faults });
      } catch (error) {
        if (!stop.signal.aborted) setChecked({ text, faults: [{ line: 1, column: 1, what: "the document could not be checked", hint: String((error as Error).message) }] });
      }
    }, 350);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [text]);
  return checked?.text === text ? checked.faults : undefined;
}

/** Lines and columns count from 1, columns in characters. */
function offset(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return before + [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
}

/** The line that begins with the key, the last of that name: rules come behind what they are made of. */
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

/** What an event's page has left to be put in. */
function withDraft(source: string): string {
  const left = sessionStorage.getItem(DRAFT);
  if (!left) return source;
  sessionStorage.removeItem(DRAFT);
  return insert(source, JSON.parse(left) as Draft);
}
