/** What the context of many events holds in the same form: the request, the place, the exception. */

import { isObject, visible } from "../text";
import type { Json, LoggedEvent } from "../types";
import { Panel } from "./panel";
import { Entries, Text, Value } from "./value";

export function Facts({ event }: { event: LoggedEvent }) {
  const { http_request: request, geo, asn, exception } = event.context;
  return (
    <>
      {exception !== undefined && exception !== null && (
        <Panel title="Exception">
          <Exception value={exception} />
        </Panel>
      )}
      {isObject(request) && (
        <Panel title="Request">
          <p class="request">
            <b>{visible(String(request.method ?? ""))}</b> <Value value={request.path} />
          </p>
          <Entries entries={Object.entries(request).filter(([key]) => key !== "method" && key !== "path")} />
        </Panel>
      )}
      {(isObject(geo) || isObject(asn)) && (
        <Panel title="Place">
          <Entries entries={[...(isObject(geo) ? Object.entries(geo) : []), ...(isObject(asn) ? Object.entries(asn) : [])]} />
        </Panel>
      )}
    </>
  );
}

/** Plain text, or a list of exceptions with their frames, the cause first. */
function Exception({ value }: { value: Json }) {
  if (typeof value === "string") {
    return (
      <pre tabIndex={0}>
        <Text text={value} />
      </pre>
    );
  }
  const all = Array.isArray(value) ? value : [value];
  return (
    <>
      {all.map((one, at) => (isObject(one) ? <One key={at} value={one} /> : <Value key={at} value={one} />))}
    </>
  );
}

function One({ value }: { value: { [key: string]: Json } }) {
  const frames = Array.isArray(value.frames) ? value.frames.filter(isObject) : undefined;
  if (!frames) return <Entries entries={Object.entries(value)} />;
  return (
    <>
      <p>
        <b>{visible(String(value.exc_type ?? "Exception"))}</b> <Value value={value.exc_value ?? ""} />
      </p>
      <ol class="frames">
        {frames.map((frame, at) => (
          <li key={at}>
            <bdi class="mono">
              {visible(String(frame.filename ?? "?"))}:{visible(String(frame.lineno ?? "?"))}
            </bdi>{" "}
            <span class="dim">in</span> <bdi class="mono">{visible(String(frame.name ?? "?"))}</bdi>
          </li>
        ))}
      </ol>
    </>
  );
}
