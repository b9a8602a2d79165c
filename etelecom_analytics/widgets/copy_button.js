function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-widgets jupyter-button widget-button";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.style.margin = "0 8px";
  const area = document.createElement("textarea");
  area.hidden = true;
  area.setAttribute("aria-label", "The code, to be copied by hand");
  Object.assign(area.style, { display: "none", width: "100%", boxSizing: "border-box", marginTop: "4px", fontFamily: "monospace" });

  const name = () => {
    button.textContent = model.get("label");
    button.setAttribute("aria-label", model.get("label"));
  };
  const showArea = (shown) => {
    area.hidden = !shown;
    area.style.display = shown ? "block" : "none";
  };
  const forget = () => {
    said.textContent = "";
    showArea(false);
  };
  const copy = async () => {
    const code = model.get("code");
    try {
      await navigator.clipboard.writeText(code);
      showArea(false);
      said.textContent = "Copied.";
    } catch {
      // No permission, or a page that is not https: the reader copies the selected text.
      area.value = code;
      area.rows = Math.min(code.split("\n").length, 16);
      showArea(true);
      said.textContent = "This page may not write to the clipboard: press Ctrl+C (or Cmd+C) to copy the selected code.";
      area.focus();
      area.select();
    }
  };

  name();
  button.addEventListener("click", copy);
  model.on("change:label", name);
  model.on("change:code", forget);
  el.replaceChildren(button, said, area);
  return () => {
    model.off("change:label", name);
    model.off("change:code", forget);
  };
}

export default { render };
