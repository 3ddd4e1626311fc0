/** An instant: exact on the page, relative beside it or in the tooltip. */

import { ago, stamp } from "../time";

export function When({ at, now, short = false }: { at: string; now: number; short?: boolean }) {
  return (
    <time dateTime={at} title={`${at} (${ago(at, now)})`}>
      {short ? ago(at, now) : stamp(at)}
    </time>
  );
}
