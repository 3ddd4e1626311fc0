/** A time: exact on the page and relative in the tooltip, or relative only. */

import { ago, stamp } from "../format/time";

export function When({ at, now, short = false }: { at: string; now: number; short?: boolean }) {
  return (
    <time dateTime={at} title={`${at} (${ago(at, now)})`}>
      {short ? ago(at, now) : stamp(at)}
    </time>
  );
}
