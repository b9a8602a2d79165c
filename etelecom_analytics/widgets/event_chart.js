// vegaEmbed comes with the bundle that this is put into.
const FAR = 4; // pixels: a pointer that went further has brushed, not clicked

function plain(value) {
  return JSON.parse(JSON.stringify(value ?? null));
}

async function render({ model, el }) {
  let shown = null;
  let newest = 0;
  let brushed = null;
  let pressedAt = null;
  let moved = false;

  const release = () => {
    if (brushed) {
      model.send({ kind: "brush", span: brushed });
      brushed = null;
    }
  };
  const press = (event) => {
    pressedAt = [event.clientX, event.clientY];
    moved = false;
  };
  const move = (event) => {
    moved ||= pressedAt !== null && Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]) > FAR;
  };

  const draw = async () => {
    const mine = ++newest;
    const { spec, fields, brush } = plain(model.get("told"));
    if (!spec) return;
    const place = document.createElement("div");
    const dark = document.body.dataset.jpThemeLight === "false";
    const options = { renderer: "svg", actions: false, tooltip: { theme: dark ? "dark" : "light" } };
    let made;
    try {
      made = await vegaEmbed(place, spec, options);
    } catch (error) {
      place.textContent = `The chart failed: ${error.message}`;
      made = { view: null, finalize: () => {} };
    }
    if (mine !== newest) {
      made.finalize();
      return;
    }
    made.view?.addEventListener("click", (event, item) => {
      const datum = item?.datum;
      if (!moved && datum && fields.length > 0 && fields.every((field) => datum[field] !== undefined)) {
        model.send({ kind: "click", values: fields.map((field) => plain(datum[field])) });
      }
    });
    if (brush && made.view) {
      made.view.addSignalListener("brush", (name, value) => {
        brushed = Object.values(plain(value) ?? {})[0] ?? null;
      });
    }
    shown?.finalize();
    shown = made;
    brushed = null;
    el.replaceChildren(place);
    el.dataset.drawn = String(mine);
  };

  el.addEventListener("pointerdown", press, true);
  window.addEventListener("pointermove", move, true);
  window.addEventListener("pointerup", release);
  model.on("change:told", draw);
  await draw();
  return () => {
    el.removeEventListener("pointerdown", press, true);
    window.removeEventListener("pointermove", move, true);
    window.removeEventListener("pointerup", release);
    model.off("change:told", draw);
    newest += 1;
    shown?.finalize();
  };
}

export default { render };
