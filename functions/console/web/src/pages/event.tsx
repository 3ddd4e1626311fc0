/** One event: what happened, who was told, why, and why not. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { read } from "../api";
import { toAddress } from "../filters";
import { useLoad, useNow, useTitle } from "../hooks";
import { AlertDraft } from "../parts/alert-draft";
import { Changes } from "../parts/changes";
import { Facts } from "../parts/facts";
import { Icon } from "../parts/icons";
import { Panel } from "../parts/panel";
import { Failure, Waiting } from "../parts/states";
import { TracePanel } from "../parts/trace";
import { Entries, Value } from "../parts/value";
import { When } from "../parts/when";
import { isObject, modelOf, summary, userName, visible } from "../text";
import type { LoggedEvent, Trace } from "../types";
import { colourOf } from "../volume";

/** Parts of the context that have a panel of their own. */
const APART = new Set(["diff", "http_request", "geo", "asn", "exception"]);

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
  const said = summary(event);
  // The message stands above already, unless it was cut there.
  const rest = Object.entries(event.context).filter(([key, value]) => !APART.has(key) && !(key === "message" && value === said));
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
      {said && <p class="lead">{said}</p>}
      {drafting && <AlertDraft event={event} />}
      <div class="columns told">
        <div class="column">
          <Panel title="What happened">
            <About event={event} now={now} />
          </Panel>
          {isObject(event.context.diff) && <Changes event={event} />}
          {rest.length > 0 && (
            <Panel title="Context">
              <Entries entries={rest} />
            </Panel>
          )}
          <Facts event={event} />
          <Raw event={event} />
        </div>
        <div class="column">
          <Panel title="Who was told, and why">
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
      <Fact name="When">
        <When at={event.created} now={now} /> <span class="dim">(<When at={event.created} now={now} short />)</span>
      </Fact>
      <Fact name="User">
        {user ? <More href={toAddress({ user })} text={user} title="More of this user" /> : <span class="dim">none</span>}
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
      </Fact>
      <Fact name="App">{event.app ? <More href={toAddress({ app: event.app })} text={event.app} title="More of this app" /> : <span class="dim">none</span>}</Fact>
      <Fact name="Address">
        {event.client_ip ? <More href={toAddress({ ip: event.client_ip })} text={event.client_ip} title="More from this address" /> : <span class="dim">none</span>}
      </Fact>
      <Fact name="Action">
        <More href={toAddress({ action: event.action })} text={event.action} title="More of this action" />
      </Fact>
      {object && (
        <Fact name="Object">
          <More href={toAddress({ model: object.model, object: object.pk })} text={object.name} title={object.pk ? "Everything that happened to it" : "Everything that happened to such"} />
        </Fact>
      )}
      {event.id && (
        <Fact name="Sender's id">
          <Value value={event.id} />
          {event.source && <span class="dim"> of </span>}
          {event.source && <Value value={event.source} />}
        </Fact>
      )}
      {Object.keys(event.brand).length > 0 && (
        <Fact name="Brand">
          <Value value={event.brand.name ?? event.brand} />
        </Fact>
      )}
      <Fact name="Kept until">
        <When at={event.expires} now={now} />
      </Fact>
      <Fact name="pk">
        <span class="mono">{event.pk}</span> <Copy text={event.pk} />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="entry">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function More({ href, text, title }: { href: string; text: string; title: string }) {
  return (
    <a href={href} title={title}>
      <bdi>{visible(text.slice(0, 200))}</bdi>
    </a>
  );
}

function Copy({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  // Browsers offer a clipboard only over HTTPS and on loopback.
  if (!navigator.clipboard) return null;
  const copy = () => navigator.clipboard.writeText(text).then(() => setDone(true), () => undefined);
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
