const SHOWN_MS = 4000;

function render({ model, el }) {
  let timer = null;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-widgets jupyter-button widget-button";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.style.margin = "0 8px";
  const area = document.createElement("textarea");
  area.hidden = true;
  area.setAttribute("aria-label", model.get("texts").area);
  Object.assign(area.style, { display: "none", width: "100%", boxSizing: "border-box", marginTop: "4px", fontFamily: "monospace" });

  const setLabel = () => {
    button.textContent = model.get("label");
    button.setAttribute("aria-label", model.get("label"));
  };
  const showArea = (visible) => {
    area.hidden = !visible;
    area.style.display = visible ? "block" : "none";
  };
  const clear = () => {
    clearTimeout(timer);
    status.textContent = "";
    showArea(false);
  };
  const copy = async () => {
    const code = model.get("code");
    clearTimeout(timer);
    try {
      await navigator.clipboard.writeText(code);
      showArea(false);
      status.textContent = model.get("texts").copied;
      timer = setTimeout(clear, SHOWN_MS);
    } catch {
      // Without permission or https, the user copies the selected text.
      area.value = code;
      area.rows = Math.min(code.split("\n").length, 16);
      showArea(true);
      status.textContent = model.get("texts").blocked;
      area.focus();
      area.select();
    }
  };

  setLabel();
  button.addEventListener("click", copy);
  model.on("change:label", setLabel);
  model.on("change:code", clear);
  el.replaceChildren(button, status, area);
  return () => {
    clearTimeout(timer);
    model.off("change:label", setLabel);
    model.off("change:code", clear);
  };
}

export default { render };
