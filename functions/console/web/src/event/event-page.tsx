/** One event: what happened, who was notified, and why. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { read } from "../api/client";
import type { LoggedEvent, Trace } from "../api/types";
import { Icon } from "../components/icons";
import { Panel } from "../components/panel";
import { Failure, Waiting } from "../components/states";
import { Entries, Value } from "../components/value";
import { When } from "../components/when";
import { toAddress } from "../events/filters";
import { isObject, modelOf, summary, userName, visible } from "../format/text";
import { useLoad } from "../hooks/use-load";
import { useNow } from "../hooks/use-now";
import { useTitle } from "../hooks/use-title";
import { colourOf } from "../volume/stack";
import { AlertDraft } from "./alert-draft";
import { ContextPanels } from "./context-panels";
import { FieldChangesPanel } from "./field-changes-panel";
import { TracePanel } from "./trace-panel";
import "./event-page.css";

/** Parts of the context that have their own panel. */
const OWN_PANEL = new Set(["diff", "http_request", "geo", "asn", "exception"]);

export function EventPage({ pk }: { pk: string }) {
  const path = `/v1/events/${encodeURIComponent(pk)}`;
  const event = useLoad(path, (signal) => read<LoggedEvent>(path, {}, signal));
  const trace = useLoad(`${path}/trace`, (signal) => read<Trace>(`${path}/trace`, {}, signal), 5_000);
  const now = useNow(5_000);
  useTitle(event.data ? event.data.action : "Event");
  if (event.problem) {
    return (
      <div class="page">
        <h1>Event</h1>
        <Failure problem={event.problem} retry={event.problem.missing ? undefined : event.reload} />
        <a href="/events">Go to all events</a>
      </div>
    );
  }
  if (!event.data) return <Waiting />;
  return <Shown event={event.data} trace={trace} now={now} />;
}

function Shown({ event, trace, now }: { event: LoggedEvent; trace: ReturnType<typeof useLoad<Trace>>; now: number }) {
  const [drafting, setDrafting] = useState(false);
  const headline = summary(event);
  // The message is already shown above, unless it was truncated there.
  const rest = Object.entries(event.context).filter(
    ([key, value]) => !OWN_PANEL.has(key) && !(key === "message" && value === headline),
  );
  return (
    <div class="page">
      <div class="page-head">
        <h1>
          <i class={`swatch ${colourOf(event.action)}`} />
          <bdi>{event.action}</bdi>
        </h1>
        <button type="button" aria-expanded={drafting} onClick={() => setDrafting(!drafting)}>
          <Icon name="bell" /> Alert on events like this
        </button>
      </div>
      {headline && <p class="lead">{headline}</p>}
      {drafting && <AlertDraft event={event} />}
      <div class="columns event-columns">
        <div class="column">
          <Panel title="What happened">
            <About event={event} now={now} />
          </Panel>
          {isObject(event.context.diff) && <FieldChangesPanel event={event} />}
          {rest.length > 0 && (
            <Panel title="Context">
              <Entries entries={rest} />
            </Panel>
          )}
          <ContextPanels event={event} />
          <Raw event={event} />
        </div>
        <div class="column">
          <Panel title="Who was notified, and why">
            <TracePanel trace={trace.data} problem={trace.problem} now={now} changed={trace.reload} />
          </Panel>
        </div>
      </div>
    </div>
  );
}

function About({ event, now }: { event: LoggedEvent; now: number }) {
  const user = userName(event);
  const object = modelOf(event);
  const { on_behalf_of: behalf, authenticated_as: authenticated } = event.user;
  return (
    <dl class="entries about">
      <Field name="When">
        <When at={event.created} now={now} />{" "}
        <span class="dim">
          (<When at={event.created} now={now} short />)
        </span>
      </Field>
      <Field name="User">
        {user ? (
          <FilterLink href={toAddress({ user })} text={user} title="More events of this user" />
        ) : (
          <span class="dim">none</span>
        )}
        {isObject(behalf) && (
          <>
            {" "}
            <span class="dim">on behalf of</span> <Value value={behalf.username} />
          </>
        )}
        {isObject(authenticated) && (
          <>
            {" "}
            <span class="dim">signed in as</span> <Value value={authenticated.username} />
          </>
        )}
      </Field>
      <Field name="App">
        {event.app ? (
          <FilterLink href={toAddress({ app: event.app })} text={event.app} title="More events of this app" />
        ) : (
          <span class="dim">none</span>
        )}
      </Field>
      <Field name="Address">
        {event.client_ip ? (
          <FilterLink
            href={toAddress({ ip: event.client_ip })}
            text={event.client_ip}
            title="More events from this address"
          />
        ) : (
          <span class="dim">none</span>
        )}
      </Field>
      <Field name="Action">
        <FilterLink href={toAddress({ action: event.action })} text={event.action} title="More events of this action" />
      </Field>
      {object && (
        <Field name="Object">
          <FilterLink
            href={toAddress({ model: object.model, object: object.pk })}
            text={object.name}
            title={
              object.pk
                ? "Everything that happened to this object"
                : "Everything that happened to objects of this model"
            }
          />
        </Field>
      )}
      {event.id && (
        <Field name="Sender's id">
          <Value value={event.id} />
          {event.source && <span class="dim"> of </span>}
          {event.source && <Value value={event.source} />}
        </Field>
      )}
      {Object.keys(event.brand).length > 0 && (
        <Field name="Brand">
          <Value value={event.brand.name ?? event.brand} />
        </Field>
      )}
      <Field name="Expires">
        <When at={event.expires} now={now} />
      </Field>
      <Field name="pk">
        <span class="mono">{event.pk}</span> <Copy text={event.pk} />
      </Field>
    </dl>
  );
}

function Field({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="entry">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function FilterLink({ href, text, title }: { href: string; text: string; title: string }) {
  return (
    <a href={href} title={title}>
      <bdi>{visible(text.slice(0, 200))}</bdi>
    </a>
  );
}

function Copy({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  // Browsers provide the clipboard only over HTTPS and on loopback.
  if (!navigator.clipboard) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setDone(true),
      () => undefined,
    );
  return (
    <button type="button" class="plain small" onClick={copy}>
      <Icon name={done ? "check" : "copy"} /> {done ? "Copied" : "Copy"}
    </button>
  );
}

function Raw({ event }: { event: LoggedEvent }) {
  const [open, setOpen] = useState(false);
  const text = open ? JSON.stringify(event, null, 2) : "";
  return (
    <details class="panel raw" onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
      <summary>Raw JSON</summary>
      {open && (
        <>
          <Copy text={text} />
          <pre tabIndex={0}>{visible(text)}</pre>
        </>
      )}
    </details>
  );
}
