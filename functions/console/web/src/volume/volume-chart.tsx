/** A chart of the events by action over time. Dragging selects a time range, as do the arrow keys and Enter. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { compact, count } from "../format/text";
import { clock, day } from "../format/time";
import { type Column, colourOf, roundUp, type Stack } from "./stack";
import "./volume-chart.css";

interface Properties {
  stack: Stack;
  /** The time range in milliseconds since the epoch. The first and the last bucket may be cut by it. */
  since: number;
  until: number;
  bucket: number;
  height?: number;
  zoom?: (since: number, until: number) => void;
}

const LEFT = 40;
const BOTTOM = 18;

export function VolumeChart({ stack, since, until, bucket, height = 120, zoom }: Properties) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [at, setAt] = useState<number>();
  const [from, setFrom] = useState<number>();
  const top = roundUp(stack.highest);
  const plot = Math.max(1, width - LEFT);
  const floor = height - BOTTOM;
  const x = (time: number) => LEFT + ((Math.max(since, Math.min(until, time)) - since) / (until - since)) * plot;
  const timeAt = (px: number) => since + (Math.max(0, Math.min(plot, px - LEFT)) / plot) * (until - since);
  const paths = useMemo(() => bars(stack, x, floor, top, bucket), [stack, width, since, until, height]);
  const pointed = at === undefined ? undefined : columnAt(stack, at, bucket);
  const pxOf = (event: PointerEvent) => event.clientX - (box.current?.getBoundingClientRect().left ?? 0);
  const finish = () => {
    if (zoom && from !== undefined && at !== undefined && Math.abs(x(at) - x(from)) > 4) {
      const [low, high] = [Math.min(from, at), Math.max(from, at)];
      zoom(Math.max(since, Math.floor(low / bucket) * bucket), Math.min(until, Math.ceil(high / bucket) * bucket));
      setAt(undefined);
    }
    setFrom(undefined);
  };
  const step = (by: number) => {
    const index = pointed ? stack.columns.indexOf(pointed) : -1;
    const next = stack.columns[index < 0 ? (by > 0 ? 0 : stack.columns.length - 1) : index + by];
    if (next) setAt(next.time + bucket / 2);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "Enter" && pointed)
      zoom?.(Math.max(since, pointed.time), Math.min(until, pointed.time + bucket));
    else if (event.key === "Escape") setAt(undefined);
    else return;
    event.preventDefault();
  };
  const valueText = pointed ? `${name(pointed.time)}: ${count(pointed.total)} events` : `${count(stack.total)} events`;
  return (
    <div class="volume-chart" ref={box}>
      <div
        class="volume-plot"
        role="slider"
        tabIndex={0}
        aria-label="Volume of events by action; arrow keys move, Enter zooms in"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, stack.columns.length - 1)}
        aria-valuenow={pointed ? stack.columns.indexOf(pointed) : 0}
        aria-valuetext={valueText}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(undefined)}
        onPointerDown={(event) => {
          if (!zoom || event.button) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setFrom(timeAt(pxOf(event)));
        }}
        onPointerMove={(event) => setAt(timeAt(pxOf(event)))}
        onPointerUp={finish}
        onPointerCancel={() => setFrom(undefined)}
        onPointerLeave={() => from === undefined && setAt(undefined)}
      >
        <svg width={width} height={height} aria-hidden="true">
          {[0, 0.5, 1].map((share) => (
            <g key={share}>
              <line
                class="grid"
                x1={LEFT}
                x2={width}
                y1={floor - share * (floor - 8)}
                y2={floor - share * (floor - 8)}
              />
              {(share !== 0.5 || top > 1) && (
                <text class="tick" x={LEFT - 6} y={floor - share * (floor - 8) + 4} text-anchor="end">
                  {compact(top * share)}
                </text>
              )}
            </g>
          ))}
          {ticks(since, until, plot).map(({ time, label }) => (
            <text
              key={time}
              class="tick"
              x={Math.min(width - 22, Math.max(LEFT + 22, x(time)))}
              y={height - 4}
              text-anchor="middle"
            >
              {label}
            </text>
          ))}
          {paths.map((path, series) => (
            <path key={series} class={`bar ${colourOf(stack.series[series]!.action)}`} d={path} />
          ))}
          {pointed && (
            <rect
              class="pointed"
              x={x(pointed.time)}
              width={Math.max(2, x(pointed.time + bucket) - x(pointed.time))}
              y={4}
              height={floor - 4}
            />
          )}
          {from !== undefined && at !== undefined && (
            <rect
              class="brush"
              x={Math.min(x(from), x(at))}
              width={Math.abs(x(at) - x(from))}
              y={4}
              height={floor - 4}
            />
          )}
        </svg>
      </div>
      {pointed && (
        <Tooltip stack={stack} column={pointed} place={beside(x(pointed.time), x(pointed.time + bucket), width)} />
      )}
    </div>
  );
}

/** The greatest width of the tooltip, and its distance from the bar, in pixels. */
const TOOLTIP = 210;
const DISTANCE = 8;

/** The place of the tooltip: beside the bar, so that it does not cover it, where there is more room. */
function beside(from: number, to: number, width: number): { left: string; width: string } {
  const [before, after] = [from - DISTANCE, width - to - DISTANCE];
  const wide = Math.min(TOOLTIP, Math.max(before, after));
  const left = after >= Math.min(TOOLTIP, before) ? to + DISTANCE : before - wide;
  return { left: `${left}px`, width: `${wide}px` };
}

function Tooltip({ stack, column, place }: { stack: Stack; column: Column; place: { left: string; width: string } }) {
  const rows = stack.series
    .map((series, at) => ({ ...series, count: column.counts[at] ?? 0 }))
    .filter((row) => row.count);
  return (
    <div class="tooltip" style={place} aria-hidden="true">
      <p class="tooltip-title">
        {name(column.time)} <b>{count(column.total)}</b>
      </p>
      {rows.map((row) => (
        <p key={row.action} class="tooltip-row">
          <i class={`swatch ${colourOf(row.action)}`} />
          <bdi>{row.action}</bdi>
          <b>{count(row.count)}</b>
        </p>
      ))}
    </div>
  );
}

export function Legend({ stack, pick }: { stack: Stack; pick?: (action: string) => void }) {
  return (
    <ul class="legend" aria-label="Events by action">
      {stack.series.map(({ action, total }) => (
        <li key={action}>
          <button
            type="button"
            class="legend-item"
            disabled={!pick || action === "others"}
            onClick={() => pick?.(action)}
          >
            <i class={`swatch ${colourOf(action)}`} />
            <bdi>{action}</bdi> <b>{count(total)}</b>
          </button>
        </li>
      ))}
    </ul>
  );
}

function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.round(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** One path per series: separate bars would be thousands of elements for a long time range. */
function bars(stack: Stack, x: (time: number) => number, floor: number, top: number, bucket: number): string[] {
  const heights = stack.columns.map(() => 0);
  return stack.series.map((_, series) =>
    stack.columns
      .map((column, at) => {
        const value = column.counts[series] ?? 0;
        if (!value) return "";
        const low = floor - (heights[at]! / top) * (floor - 8);
        heights[at]! += value;
        const high = floor - (heights[at]! / top) * (floor - 8);
        const left = x(column.time);
        const width = Math.max(1, x(column.time + bucket) - left - 1);
        return `M${left.toFixed(1)} ${low.toFixed(1)}h${width.toFixed(1)}V${Math.min(high, low - 0.6).toFixed(1)}h${(-width).toFixed(1)}z`;
      })
      .join(""),
  );
}

function columnAt(stack: Stack, time: number, bucket: number): Column | undefined {
  return stack.columns.find((column) => time >= column.time && time < column.time + bucket);
}

const DAY = 86_400_000;

function ticks(since: number, until: number, plot: number): { time: number; label: string }[] {
  const most = Math.max(2, Math.floor(plot / 90));
  const sizes = [
    600_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
  ];
  const size = sizes.find((one) => (until - since) / one <= most) ?? 3650 * DAY;
  const zone = new Date(since).getTimezoneOffset() * 60_000;
  const found = [];
  for (let time = Math.ceil((since - zone) / size) * size + zone; time < until; time += size) {
    const at = new Date(time);
    found.push({ time, label: size >= DAY ? day(at).slice(5) : clock(at).slice(0, 5) });
  }
  return found;
}

function name(time: number): string {
  const at = new Date(time);
  return `${day(at)} ${clock(at).slice(0, 5)}`;
}
