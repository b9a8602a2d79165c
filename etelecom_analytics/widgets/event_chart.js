// The bundle defines vegaEmbed, the functions of charts/embed.js, `brushOver` and `groupList`.
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
  let groups = [];
  let shown = {};

  // Before the panel is on the page it has no width, nor while the theme changes.
  const width = () => el.clientWidth || drawnWidth || UNKNOWN_WIDTH;
  const chosen = () => plain(model.get("chosen")) ?? {};

  // Sets parameters of the specification; charts without groups have none of them.
  const set = (values) => {
    const view = current?.view;
    if (!view) return;
    for (const [name, value] of Object.entries(values)) {
      if (shown[name]) view.signal(name, value);
    }
    view.run();
  };
  const click = (values, add) => model.send({ kind: "click", values, add });

  const keys = groupList(model.get("texts").groups, {
    select: (group, add) => click(group.values, add),
    mark: (id) => {
      set({ active: id });
      picture.style.outline = id === null ? "" : "2px solid var(--jp-brand-color1, #1976d2)";
    },
  });
  const note = document.createElement("div");
  Object.assign(note.style, { fontSize: "12px", fontWeight: "600" });
  note.setAttribute("role", "status");
  const picture = document.createElement("div");
  el.replaceChildren(keys.list, picture, keys.line);

  const showChosen = () => {
    const { ids = [], span = null, note: text = "" } = chosen();
    set({ chosen: ids, span });
    keys.show(groups, ids);
    note.textContent = text;
  };

  const draw = async () => {
    const number = ++latest;
    drawnWidth = width();
    const { spec: titled, fields, edges, groups: newGroups } = plain(model.get("chart"));
    if (!titled) return;
    if (!Object.keys(titled).length) { // the chart failed, and the panel states why
      current?.finalize();
      current = null;
      groups = [];
      picture.replaceChildren();
      showChosen();
      return;
    }
    const { title, ...rawSpec } = titled;
    const { ids = [], span = null } = chosen();
    const initial = { chosen: ids, span };
    const params = (rawSpec.params ?? []).map((each) => (each.name in initial ? { ...each, value: initial[each.name] } : each));
    const spec = params.length ? { ...rawSpec, params } : rawSpec;
    const container = document.createElement("div");
    const theme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
    let embedded;
    try {
      embedded = await drawToFit(container, spec, theme, { available: width(), rest, fillsFrom: 1 });
      rest = embedded.rest;
    } catch (error) {
      container.textContent = `${model.get("texts").failure} ${error.message}`;
      embedded = { view: null, finalize: () => {} };
    }
    if (number !== latest) {
      embedded.finalize();
      return;
    }
    embedded.view?.addEventListener("click", (event, item) => {
      const datum = item?.datum;
      if (!brush.moved() && datum && fields.length > 0 && fields.every((field) => datum[field] !== undefined)) {
        const values = fields.map((field) => plain(datum[field]));
        keys.activateValues(values);
        click(values, adds(event));
      }
    });
    current?.finalize();
    current = embedded;
    shown = Object.fromEntries(params.map((each) => [each.name, true]));
    groups = newGroups ?? [];
    el.style.touchAction = edges ? "pan-y" : "";
    const caption = captionOf(title);
    caption.append(note);
    picture.replaceChildren(caption, container);
    showChosen();
    el.dataset.drawn = String(number);
  };

  const brush = brushOver(
    el,
    () => ({ edges: model.get("chart").edges, span: chosen().span, show: (span) => set({ span }) }),
    (span, add) => model.send({ kind: "brush", span, add }),
  );
  // A new chart is drawn with its chosen groups, which may be those of the chart before.
  let drawing = null;
  const redraw = () => {
    drawing = draw().finally(() => {
      drawing = null;
    });
    return drawing;
  };
  const update = () => {
    if (!drawing) showChosen();
  };
  const received = ({ kind }) => {
    if (kind === "span") update();
  };
  model.on("change:chart", redraw);
  model.on("change:chosen", update);
  model.on("msg:custom", received);
  const sizeChanges = new ResizeObserver(() => {
    if (Math.abs(width() - drawnWidth) > 8) redraw();
  });
  sizeChanges.observe(el);
  const themeChanges = new MutationObserver(redraw);
  themeChanges.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  await redraw();
  return () => {
    themeChanges.disconnect();
    sizeChanges.disconnect();
    brush.stop();
    model.off("change:chart", redraw);
    model.off("change:chosen", update);
    model.off("msg:custom", received);
    latest += 1;
    current?.finalize();
  };
}

export default { render };
