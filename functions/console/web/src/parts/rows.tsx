/** Events as rows. A row leads to its event; its values become filters. */

import { memo } from "../memo";
import type { Field } from "../filters";
import { summary, userName, visible } from "../text";
import { clock, day } from "../time";
import type { LoggedEvent } from "../types";
import { colourOf } from "../volume";

interface Properties {
  events: LoggedEvent[];
  fresh: Set<string>;
  pick: (field: Field, value: string) => void;
}

export function Rows({ events, fresh, pick }: Properties) {
  const today = day(new Date());
  return (
    <table class="rows">
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
          <Row key={event.pk} event={event} today={today} fresh={fresh.has(event.pk)} pick={pick} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProperties {
  event: LoggedEvent;
  today: string;
  fresh: boolean;
  pick: Properties["pick"];
}

const Row = memo(
  function Row({ event, today, fresh, pick }: RowProperties) {
    const at = new Date(event.created);
    const date = day(at);
    const user = userName(event);
    return (
      <tr class={fresh ? "fresh" : undefined}>
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
  (a, b) => a.event.pk === b.event.pk && a.fresh === b.fresh && a.today === b.today,
);

/** By the mouse only: from the keyboard the search box and the event's page do the same. */
function Cell({ name, field, value, pick }: { name: string; field: Field; value: string; pick: Properties["pick"] }) {
  return (
    <td class={name}>
      {value && (
        <button type="button" class="pick" tabIndex={-1} title={`Only ${field} ${visible(value.slice(0, 120))}`} onClick={() => pick(field, value)}>
          <bdi>{visible(value.slice(0, 120))}</bdi>
        </button>
      )}
    </td>
  );
}
