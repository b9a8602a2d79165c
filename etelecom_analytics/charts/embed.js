// Draws charts for the width and the theme of their page. Needs vegaEmbed, and `themes` by name.

// Below this width in pixels, charts leave out what has no room.
const NARROW = 520;
// Charts of at least this natural width fill their container by default; smaller ones only shrink.
const FILLS_FROM = 480;
// The narrowest cell of a heat map, one of 24 hours, with room for its text.
const MIN_CELL = 16;
const HOURS = 24;
// The longest label of a row on a narrow page.
const MAX_LABEL = 90;

// The sum of the widths of the views beside one another, in the widest row.
function plotWidth(spec) {
  if (spec.vconcat) return Math.max(...spec.vconcat.map(plotWidth));
  if (spec.hconcat) return spec.hconcat.reduce((sum, view) => sum + plotWidth(view), 0);
  return typeof spec.width === "number" ? spec.width : 0;
}

// The channels that share a legend with others.
const WITH_LEGEND = ["color", "strokeDash"];

// An encoding with short labels of rows, and a legend of one column.
function narrowed(encoding) {
  const result = { ...encoding };
  if (result.y?.axis?.labelLimit > 2 * MAX_LABEL) result.y = { ...result.y, axis: { ...result.y.axis, labelLimit: MAX_LABEL } };
  for (const name of WITH_LEGEND) {
    const channel = result[name];
    if (channel?.legend?.columns) result[name] = { ...channel, legend: { ...channel.legend, columns: 1 } };
  }
  return result;
}

// The specification with all widths multiplied by a ratio, without what has no room.
function scaled(spec, ratio, narrow) {
  const result = { ...spec };
  if (narrow && result.encoding) result.encoding = narrowed(result.encoding);
  if (narrow && result.config?.axis) {
    result.config = { ...result.config, axis: { ...result.config.axis, labelLimit: MAX_LABEL } };
  }
  if (result.vconcat) result.vconcat = result.vconcat.map((view) => scaled(view, ratio, narrow));
  if (result.hconcat) {
    const columns = narrow ? result.hconcat.slice(0, 2) : result.hconcat;
    result.hconcat = columns.map((view) => scaled(view, ratio, narrow));
  }
  if (typeof result.width === "number") result.width = Math.max(40, Math.floor(result.width * ratio));
  if (result.layer) {
    const hasRoom = result.width / HOURS >= MIN_CELL;
    result.layer = result.layer
      .filter((layer) => hasRoom || ![layer.mark?.style].flat().includes("cell-text"))
      .map((layer) => scaled(layer, ratio, narrow))
      .map((layer) => (layer.mark?.limit ? { ...layer, mark: { ...layer.mark, limit: result.width } } : layer));
  }
  return result;
}

// Draws a specification in its own width. Returns the result of vegaEmbed.
function drawWithTheme(container, spec, theme) {
  const params = (spec.params ?? []).map((each) => (each.name === "theme" ? { ...each, value: theme } : each));
  const options = { renderer: "svg", actions: false, tooltip: { theme }, config: themes[theme].config };
  return vegaEmbed(container, params.length ? { ...spec, params } : spec, options);
}

// Draws a specification in a container, as wide as is available. Returns the result of vegaEmbed, and
// the room beside the plots in pixels as `rest`, which makes the next drawing take one pass. A chart of
// at least the natural width `fillsFrom` fills the container.
async function drawToFit(container, spec, theme, { available = container.clientWidth, rest = 70, fillsFrom = FILLS_FROM } = {}) {
  const narrow = available < NARROW;
  const columns = scaled(spec, 1, narrow);
  const natural = plotWidth(columns);
  const fills = natural >= fillsFrom;
  let plot = natural;
  let embedded = null;
  // The room for axes, legends and texts depends on the data: the second pass knows it.
  for (let pass = 0; pass < 4; pass += 1) {
    const target = Math.max(80, available - rest);
    plot = natural ? (fills ? target : Math.min(natural, target)) : 0;
    embedded?.finalize();
    embedded = await drawWithTheme(container, natural ? scaled(spec, plot / natural, narrow) : spec, theme);
    // Its attribute, since a style may shrink what is shown.
    const width = Number(container.querySelector("svg")?.getAttribute("width") ?? available);
    if (!natural || (width <= available && (!fills || width >= available - 8))) break;
    rest = width - plot;
  }
  return Object.assign(embedded, { rest });
}
