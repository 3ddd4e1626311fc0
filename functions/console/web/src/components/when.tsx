/** A time: exact on the page and relative in the tooltip, or, for a time that has passed, relative only. */

import { ago, since, stamp } from "../format/time";

export function When({ at, now, short = false }: { at: string; now: number; short?: boolean }) {
  return (
    <time dateTime={at} title={`${at} (${ago(at, now)})`}>
      {short ? since(at, now) : stamp(at)}
    </time>
  );
}
