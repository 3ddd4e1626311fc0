/** The button that pauses and resumes live updates, and shows their state. */

import "./live-button.css";

interface Properties {
  /** Whether the user wants live updates. */
  live: boolean;
  /** Whether new events can match the filters. */
  possible: boolean;
  /** Whether the last poll failed. */
  stalled: boolean;
  toggle: () => void;
}

export function LiveButton({ live, possible, stalled, toggle }: Properties) {
  const on = live && possible;
  const label = !possible ? "Past" : !live ? "Paused" : stalled ? "Reconnecting" : "Live";
  return (
    <button
      type="button"
      class={`live-button ${on ? (stalled ? "stalled" : "on") : ""}`}
      aria-pressed={on}
      disabled={!possible}
      onClick={toggle}
      title={possible ? "Show new events as they arrive" : "The selected time range has an end"}
    >
      <i class="dot" /> {label}
    </button>
  );
}
