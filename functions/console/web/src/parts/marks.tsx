/** Severities and states: each has a shape and a word of its own, besides its colour. */

import type { Severity, State } from "../types";
import { Icon, type IconName } from "./icons";

const SHAPES: Record<Severity, string> = {
  notice: "M8 12.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z",
  warning: "M8 2.5 14 13H2z",
  alert: "M5.3 2h5.4L14 5.3v5.4L10.7 14H5.3L2 10.7V5.3z",
};

export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <span class={`mark ${severity}`}>
      <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[severity]} />
      </svg>
      {severity}
    </span>
  );
}

const ICONS: Record<State, IconName> = {
  delivered: "check",
  retrying: "again",
  pending: "clock",
  dead: "skull",
  suppressed: "silences",
};

/** Quiet where it is only named and nothing stands so. */
export function StateMark({ state, quiet = false }: { state: State; quiet?: boolean }) {
  return (
    <span class={quiet ? "mark" : `mark ${state}`}>
      <Icon name={ICONS[state] ?? "dash"} />
      {state}
    </span>
  );
}
