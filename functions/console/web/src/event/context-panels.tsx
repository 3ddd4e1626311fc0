/** Panels for the well-known parts of an event's context: exception, request, place. */

import type { Json, LoggedEvent } from "../api/types";
import { Panel } from "../components/panel";
import { Entries, Text, Value } from "../components/value";
import { isObject, placeName, visible } from "../format/text";
import "./context-panels.css";

export function ContextPanels({ event }: { event: LoggedEvent }) {
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
          {isObject(geo) && <Geo geo={geo} />}
          {isObject(asn) && <Entries entries={Object.entries(asn)} />}
        </Panel>
      )}
    </>
  );
}

const KNOWN = new Set(["city", "country", "continent", "lat", "long"]);

/** The name and the coordinates of the place in one line; other fields as entries. */
function Geo({ geo }: { geo: { [key: string]: Json } }) {
  const { lat, long } = geo;
  const name = placeName(geo);
  return (
    <>
      <p class="place">
        <bdi>{name || "unnamed place"}</bdi>
        {typeof lat === "number" && typeof long === "number" && (
          <span class="dim number">
            {" "}
            {lat}, {long}
          </span>
        )}
      </p>
      <Entries entries={Object.entries(geo).filter(([key]) => !KNOWN.has(key))} />
    </>
  );
}

/** An exception as plain text, or as a list of chained exceptions with their frames, the cause first. */
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
      {all.map((one, at) => (
        <div key={at} class={at ? "caused-by" : undefined}>
          {at > 0 && <p class="dim small">which caused</p>}
          {isObject(one) ? <One value={one} /> : <Value value={one} />}
        </div>
      ))}
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
