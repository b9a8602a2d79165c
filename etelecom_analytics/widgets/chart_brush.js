// Drags over a chart of days: a new span, the span moved as a whole, or one of its ends moved.

// A pointer that moved further than this many pixels has brushed and not clicked.
const MAX_CLICK_DISTANCE = 4;
const HANDLE_DISTANCE = 8;

function adds(event) {
  return event.shiftKey || event.ctrlKey || event.metaKey;
}

// Returns `moved()`, whether the last press was a drag, and `stop()`. `state()` has the ends of the
// axis as `edges`, the selected span, and `show(span)`; `drop(span, add)` reports a new span.
function brushOver(el, state, drop) {
  let press = null;
  let moved = false;

  // The marks of the groups cover the plot, so the first and the last are at the ends of the axis.
  const plot = () => {
    const marks = el.querySelectorAll(".groups_marks path");
    const { edges } = state();
    if (!edges || !marks.length) return null;
    const first = marks[0].getBoundingClientRect();
    const { right } = marks[marks.length - 1].getBoundingClientRect();
    const scale = (edges[1] - edges[0]) / (right - first.left);
    const clipped = (time) => Math.min(Math.max(time, edges[0]), edges[1]);
    return {
      contains: (event) =>
        event.clientX >= first.left - HANDLE_DISTANCE && event.clientX <= right + HANDLE_DISTANCE &&
        event.clientY >= first.top && event.clientY <= first.bottom,
      timeAt: (x) => clipped(edges[0] + (x - first.left) * scale),
      xOf: (time) => first.left + (time - edges[0]) / scale,
      scale,
      edges,
    };
  };
  const partAt = (area, event) => {
    const { span } = state();
    if (!span) return "new";
    const [begin, end] = span.map(area.xOf);
    const near = (x) => Math.abs(event.clientX - x) <= HANDLE_DISTANCE;
    if (near(end)) return "end";
    if (near(begin)) return "begin";
    return event.clientX > begin && event.clientX < end ? "whole" : "new";
  };
  const dragged = (area, event) => {
    const { span, part, x } = press;
    const time = area.timeAt(event.clientX);
    if (part === "begin") return [time, span[1]];
    if (part === "end") return [span[0], time];
    if (part === "new") return [area.timeAt(x), time];
    const wanted = (event.clientX - x) * area.scale;
    const shift = Math.min(Math.max(wanted, area.edges[0] - span[0]), area.edges[1] - span[1]);
    return [span[0] + shift, span[1] + shift];
  };

  const down = (event) => {
    moved = false;
    press = null;
    const area = event.button === 0 ? plot() : null;
    if (!area?.contains(event)) return;
    press = { x: event.clientX, y: event.clientY, part: partAt(area, event), span: state().span, latest: null };
  };
  const move = (event) => {
    if (!press) {
      if (!el.contains(event.target)) return;
      const area = plot();
      const part = area?.contains(event) ? partAt(area, event) : null;
      el.style.cursor = { new: "crosshair", whole: "grab", begin: "ew-resize", end: "ew-resize" }[part] ?? "";
      return;
    }
    moved ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > MAX_CLICK_DISTANCE;
    const area = moved ? plot() : null;
    if (!area) return;
    event.preventDefault();
    press.latest = dragged(area, event).sort((a, b) => a - b);
    state().show(press.latest);
  };
  const up = (event) => {
    const latest = press?.latest;
    press = null;
    if (latest) drop(latest, adds(event));
  };
  const cancel = (event) => {
    if (!press?.latest || (event.type === "keydown" && event.key !== "Escape")) return;
    state().show(press.span);
    press = null;
  };

  const listeners = [
    [el, "pointerdown", down],
    [window, "pointermove", move],
    [window, "pointerup", up],
    [window, "pointercancel", cancel],
    [window, "keydown", cancel],
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener, true);
  return {
    moved: () => moved,
    stop: () => {
      for (const [target, name, listener] of listeners) target.removeEventListener(name, listener, true);
    },
  };
}
