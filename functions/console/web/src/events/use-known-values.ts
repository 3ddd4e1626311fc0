/** The values that the search box can complete: those of the events loaded so far. */

import { useMemo, useState } from "preact/hooks";
import type { LoggedEvent } from "../api/types";
import { modelOf, userName } from "../format/text";
import { FIELD_NAMES, type Field, type KnownValues, paths } from "./filters";

const MAX_EVENTS = 5_000;
const MAX_PATHS = 400;

export function useKnownValues(events: LoggedEvent[]): KnownValues {
  const [known] = useState(() => ({
    ...(Object.fromEntries(FIELD_NAMES.map((field) => [field, new Set<string>()])) as Record<Field, Set<string>>),
    paths: new Set<string>(),
  }));
  useMemo(() => {
    for (const event of events.slice(0, MAX_EVENTS)) {
      const values: [Field, string | null | undefined][] = [
        ["action", event.action],
        ["app", event.app],
        ["ip", event.client_ip],
        ["user", userName(event)],
        ["model", modelOf(event)?.model],
      ];
      for (const [field, value] of values) if (value) known[field].add(value);
      if (known.paths.size > MAX_PATHS) continue;
      for (const path of [...paths("user", event.user), ...paths("context", event.context)]) known.paths.add(path);
    }
  }, [events]);
  return known;
}
