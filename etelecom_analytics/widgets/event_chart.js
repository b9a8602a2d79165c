// The bundle defines vegaEmbed and the functions of charts/embed.js.
// A pointer that moved further than this many pixels has brushed and not clicked.
const MAX_CLICK_DISTANCE = 4;

function plain(value) {
  return JSON.parse(JSON.stringify(value ?? null));
}

async function render({ model, el }) {
  let current = null;
  let latest = 0;
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

  const draw = async () => {
    const number = ++latest;
    const { spec, fields, brush } = plain(model.get("chart"));
    if (!spec) return;
    const container = document.createElement("div");
    const theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    let embedded;
    try {
      embedded = await drawWithTheme(container, spec, theme);
    } catch (error) {
      container.textContent = `The chart failed: ${error.message}`;
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
    el.replaceChildren(container);
    el.dataset.drawn = String(number);
  };

  el.addEventListener("pointerdown", press, true);
  window.addEventListener("pointermove", move, true);
  window.addEventListener("pointerup", release);
  model.on("change:chart", draw);
  const themeChanges = new MutationObserver(draw);
  themeChanges.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  await draw();
  return () => {
    themeChanges.disconnect();
    el.removeEventListener("pointerdown", press, true);
    window.removeEventListener("pointermove", move, true);
    window.removeEventListener("pointerup", release);
    model.off("change:chart", draw);
    latest += 1;
    current?.finalize();
  };
}

export default { render };
