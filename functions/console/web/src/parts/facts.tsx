/** What the context of many events holds in the same form: the request, the place, the exception. */

import { isObject, placeName, visible } from "../text";
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
          {isObject(geo) && <Geo geo={geo} />}
          {isObject(asn) && <Entries entries={Object.entries(asn)} />}
        </Panel>
      )}
    </>
  );
}

const KNOWN = new Set(["city", "country", "continent", "lat", "long"]);

/** In one line what every place has; the rest as entries. */
function Geo({ geo }: { geo: { [key: string]: Json } }) {
  const { lat, long } = geo;
  const name = placeName(geo);
  return (
    <>
      <p class="place">
        <bdi>{name || "a place without a name"}</bdi>
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
      {all.map((one, at) => (
        <div key={at} class={at ? "leads-to" : undefined}>
          {at > 0 && <p class="dim small">which led to</p>}
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
