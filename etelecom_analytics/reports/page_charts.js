// Draws the charts of a page, again when the theme or the width changes, and saves them as files.
const darkPage = matchMedia("(prefers-color-scheme: dark)");
const drawn = {};

async function drawChart(name) {
  const container = document.getElementById(name);
  const theme = darkPage.matches ? "dark" : "light";
  drawn[name]?.result?.finalize();
  drawn[name] = { width: container.clientWidth, theme };
  container.dataset.theme = theme;
  const result = await drawToFit(container, charts[name], theme);
  drawn[name].result = result;
  // The container has the text alternative; the marks have none of their own.
  container.querySelector("svg")?.setAttribute("aria-hidden", "true");
}

async function drawAll() {
  for (const name of Object.keys(charts)) await drawChart(name);
}

async function save(name, format) {
  const { result, theme } = drawn[name];
  const view = await result.view.background(themes[theme].ground).runAsync();
  const link = document.createElement("a");
  link.href = await view.toImageURL(format, 2);
  link.download = `${name}.${format}`;
  link.click();
}

for (const button of document.querySelectorAll("button[data-save]")) {
  button.addEventListener("click", () => save(button.dataset.chart, button.dataset.save));
}
darkPage.addEventListener("change", drawAll);
let timer = null;
addEventListener("resize", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const changed = ([name, { width }]) => Math.abs(document.getElementById(name).clientWidth - width) > 8;
    if (Object.entries(drawn).some(changed)) drawAll();
  }, 150);
});
drawAll();
