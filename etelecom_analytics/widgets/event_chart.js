// The bundle defines vegaEmbed and the functions of charts/embed.js.
// A pointer that moved further than this many pixels has brushed and not clicked.
const MAX_CLICK_DISTANCE = 4;
const UNKNOWN_WIDTH = 760;

function plain(value) {
  return JSON.parse(JSON.stringify(value ?? null));
}

// The title and the lines below it as text, which wraps where a chart would be cut.
function captionOf(title) {
  const texts = typeof title === "string" ? { text: title } : title ?? {};
  const caption = document.createElement("div");
  for (const [lines, style] of [
    [[texts.text].flat().join(" "), { fontWeight: "bold", fontSize: "15px" }],
    ...[texts.subtitle ?? []].flat().map((line) => [line, { fontSize: "12px" }]),
  ]) {
    const part = document.createElement("div");
    part.textContent = lines;
    Object.assign(part.style, style);
    caption.append(part);
  }
  return caption;
}

async function render({ model, el }) {
  let current = null;
  let latest = 0;
  let rest = 70;
  let drawnWidth = 0;
  let span = null;
  let pressedAt = null;
  let moved = false;

  const release = () => {
    if (span) {
      model.send({ kind: "brush", span });
      span = null;
    }
  };
  const press = (event) => {
    pressedAt = [event.clientX, event.clientY];
    moved = false;
  };
  const move = (event) => {
    moved ||= pressedAt !== null && Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]) > MAX_CLICK_DISTANCE;
  };

  // Before the panel is on the page it has no width, nor while the theme changes.
  const width = () => el.clientWidth || drawnWidth || UNKNOWN_WIDTH;

  const draw = async () => {
    const number = ++latest;
    drawnWidth = width();
    const { spec: titled, fields, brush } = plain(model.get("chart"));
    if (!titled) return;
    const { title, ...spec } = titled;
    const container = document.createElement("div");
    const theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    let embedded;
    try {
      embedded = await drawToFit(container, spec, theme, { available: width(), rest });
      rest = embedded.rest;
    } catch (error) {
      container.textContent = `${model.get("failure")} ${error.message}`;
      embedded = { view: null, finalize: () => {} };
    }
    if (number !== latest) {
      embedded.finalize();
      return;
    }
    embedded.view?.addEventListener("click", (event, item) => {
      const datum = item?.datum;
      if (!moved && datum && fields.length > 0 && fields.every((field) => datum[field] !== undefined)) {
        model.send({ kind: "click", values: fields.map((field) => plain(datum[field])) });
      }
    });
    if (brush && embedded.view) {
      embedded.view.addSignalListener("brush", (name, value) => {
        span = Object.values(plain(value) ?? {})[0] ?? null;
      });
    }
    current?.finalize();
    current = embedded;
    span = null;
    el.replaceChildren(captionOf(title), container);
    el.dataset.drawn = String(number);
  };

  el.addEventListener("pointerdown", press, true);
  window.addEventListener("pointermove", move, true);
  window.addEventListener("pointerup", release);
  model.on("change:chart", draw);
  const sizeChanges = new ResizeObserver(() => {
    if (Math.abs(width() - drawnWidth) > 8) draw();
  });
  sizeChanges.observe(el);
  const themeChanges = new MutationObserver(draw);
  themeChanges.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  await draw();
  return () => {
    themeChanges.disconnect();
    sizeChanges.disconnect();
    el.removeEventListener("pointerdown", press, true);
    window.removeEventListener("pointermove", move, true);
    window.removeEventListener("pointerup", release);
    model.off("change:chart", draw);
    latest += 1;
    current?.finalize();
  };
}

export default { render };
