/** Severities and states. Each has its own shape and word, not only a colour. */

import type { DeliveryState, Severity } from "../api/types";
import { Icon, type IconName } from "./icons";
import "./marks.css";

const SHAPES: Record<Severity, string> = {
  notice: "M8 12.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z",
  warning: "M8 2.5 14 13H2z",
  alert: "M5.3 2h5.4L14 5.3v5.4L10.7 14H5.3L2 10.7V5.3z",
};

export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <span class={`mark ${severity}`}>
      <svg class="mark-shape" viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[severity]} />
      </svg>
      {severity}
    </span>
  );
}

const ICONS: Record<DeliveryState, IconName> = {
  delivered: "check",
  retrying: "again",
  pending: "clock",
  dead: "skull",
  suppressed: "silences",
};

/** `quiet` drops the colour, for states that no delivery has. */
export function StateMark({ state, quiet = false }: { state: DeliveryState; quiet?: boolean }) {
  return (
    <span class={quiet ? "mark" : `mark ${state}`}>
      <Icon name={ICONS[state] ?? "dash"} />
      {state}
    </span>
  );
}
