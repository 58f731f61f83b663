/** How a pane looks and how it is moved: drag to zoom, shift-drag or sideways wheel to pan. */

import uPlot from "uplot";
import { tickText } from "../../format/time.ts";
import type { TimeView } from "./timeView.svelte.ts";
import { PLACE } from "./paneData.ts";

/** An instant or stretch of the deployment that every pane shows. */
export interface Moment {
  readonly atMs: number;
  readonly kind: "started" | "stage" | "onset" | "resolved" | "rolledBack";
  readonly text: string;
}

export interface PaneSetup {
  readonly width: number;
  readonly height: number;
  readonly timezone: string;
  readonly view: TimeView;
  readonly moments: () => readonly Moment[];
  readonly valueText: (value: number) => string;
}

/** Panes and lanes stand under one another, so their plots begin at one place. */
export const GUTTER = 78;
export const RIGHT = 12;

const css = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const soft = (name: string, percent: number): string => {
  const colour = css(name);
  return `color-mix(in srgb, ${colour} ${percent}%, transparent)`;
};

const MOMENT_COLOUR: Readonly<Record<Moment["kind"], string>> = {
  started: "--ink",
  stage: "--line-strong",
  onset: "--worse",
  resolved: "--worse",
  rolledBack: "--ink",
};

export function paneOptions(setup: PaneSetup): uPlot.Options {
  const { view, timezone } = setup;
  const line = (colour: string, width: number, dash: number[] = []): uPlot.Series => ({
    stroke: () => css(colour),
    width,
    dash,
    spanGaps: true,
    points: { show: false },
  });
  const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
  const axis: uPlot.Axis = {
    stroke: () => css("--muted"),
    grid: { stroke: () => css("--line"), width: 1 },
    ticks: { show: false },
    font: `11px ${css("--sans")}`,
  };
  return {
    width: setup.width,
    height: setup.height,
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), timezone),
    legend: { show: false },
    padding: [8, RIGHT, 0, 0],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => (view.home(), null) },
    },
    scales: { x: { time: true, auto: false, range: () => [view.fromMs, view.toMs] } },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        space: 80,
        values: (_plot, ticks) => ticks.map((ms) => tickText(ms, view, timezone)),
      },
      {
        ...axis,
        size: GUTTER,
        gap: 6,
        space: 28,
        values: (_plot, ticks) => ticks.map(setup.valueText),
      },
    ],
    series: [
      {},
      { stroke: () => css("--ink"), width: 1.25, points: { show: false } },
      line("--band", 1, [5, 4]),
      edge,
      edge,
      line("--tolerance", 1.75),
      line("--tolerance", 1.75),
      line("--tolerance", 1.25, [2, 4]),
      line("--tolerance", 1.25, [2, 4]),
    ],
    bands: [{ series: [PLACE.usualHigh, PLACE.usualLow], fill: () => soft("--band", 16) }],
    hooks: {
      draw: [(plot) => drawMoments(plot, setup.moments())],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          view.show({
            fromMs: plot.posToVal(left, "x"),
            toMs: plot.posToVal(left + width, "x"),
          });
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [
        (plot) => {
          const left = plot.cursor.left ?? -1;
          view.cursorMs = left < 0 ? null : plot.posToVal(left, "x");
        },
      ],
    },
  };
}

function drawMoments(plot: uPlot, moments: readonly Moment[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { atMs, kind } of moments) {
    const x = Math.round(plot.valToPos(atMs, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = css(MOMENT_COLOUR[kind]);
    ctx.lineWidth = (kind === "stage" ? 1 : 1.5) * devicePixelRatio;
    ctx.setLineDash(kind === "started" ? [] : [4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** Shift and drag, or a sideways wheel, moves the view; with Ctrl the wheel zooms. */
export function bindMoves(plot: uPlot, view: TimeView): () => void {
  const { over } = plot;
  const down = (event: MouseEvent): void => {
    if (!event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    let lastX = event.clientX;
    const move = ({ clientX }: MouseEvent): void => {
      view.pan((lastX - clientX) / over.clientWidth);
      lastX = clientX;
    };
    const up = (): void => {
      removeEventListener("mousemove", move);
      removeEventListener("mouseup", up);
    };
    addEventListener("mousemove", move);
    addEventListener("mouseup", up);
  };
  const wheel = (event: WheelEvent): void => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const left = event.clientX - over.getBoundingClientRect().left;
      view.zoom(Math.exp(event.deltaY / 300), plot.posToVal(left, "x"));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      view.pan(event.deltaX / over.clientWidth);
    }
  };
  over.addEventListener("mousedown", down, { capture: true });
  over.addEventListener("wheel", wheel, { passive: false });
  return () => {
    over.removeEventListener("mousedown", down, { capture: true });
    over.removeEventListener("wheel", wheel);
  };
}
