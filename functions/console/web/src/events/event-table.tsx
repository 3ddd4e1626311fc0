/** Events as table rows. A row links to its event, and its values can be picked as filters. */

import type { LoggedEvent } from "../api/types";
import { memo } from "../components/memo";
import { summary, userName, visible } from "../format/text";
import { clock, day } from "../format/time";
import { colourOf } from "../volume/stack";
import type { Field } from "./filters";
import "./event-table.css";

interface Properties {
  events: LoggedEvent[];
  added: Set<string>;
  pick: (field: Field, value: string) => void;
}

export function EventTable({ events, added, pick }: Properties) {
  const today = day(new Date());
  return (
    <table class="event-table">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Action</th>
          <th scope="col">What happened</th>
          <th scope="col">User</th>
          <th scope="col">App</th>
          <th scope="col">Address</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <Row key={event.pk} event={event} today={today} added={added.has(event.pk)} pick={pick} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProperties {
  event: LoggedEvent;
  today: string;
  added: boolean;
  pick: Properties["pick"];
}

const Row = memo(
  function Row({ event, today, added, pick }: RowProperties) {
    const at = new Date(event.created);
    const date = day(at);
    const user = userName(event);
    return (
      <tr class={added ? "added-row" : undefined}>
        <td class="when">
          <time dateTime={event.created} title={event.created}>
            {date !== today && <span class="dim">{date} </span>}
            {clock(at)}
          </time>
        </td>
        <td class="action">
          <a class="row-link" href={`/events/${event.pk}`}>
            <i class={`swatch ${colourOf(event.action)}`} />
            <bdi>{event.action}</bdi>
          </a>
        </td>
        <td class="what">
          <bdi>{summary(event)}</bdi>
        </td>
        <Cell name="who" field="user" value={user} pick={pick} />
        <Cell name="app" field="app" value={event.app} pick={pick} />
        <Cell name="from" field="ip" value={event.client_ip ?? ""} pick={pick} />
      </tr>
    );
  },
  (a, b) => a.event.pk === b.event.pk && a.added === b.added && a.today === b.today,
);

/** For the mouse only: with the keyboard, the search box and the event's page offer the same filters. */
function Cell({ name, field, value, pick }: { name: string; field: Field; value: string; pick: Properties["pick"] }) {
  return (
    <td class={name}>
      {value && (
        <button
          type="button"
          class="pick"
          tabIndex={-1}
          title={`Only ${field} ${visible(value.slice(0, 120))}`}
          onClick={() => pick(field, value)}
        >
          <bdi>{visible(value.slice(0, 120))}</bdi>
        </button>
      )}
    </td>
  );
}
