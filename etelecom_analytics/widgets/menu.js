// A button that opens the popover next to it, which contains widgets. After popover.js.
function render({ model, el }) {
  const { button, label } = popoverButton();
  button.className = "etelecom-chip";
  let popover = null;
  let connection = null;

  const setLabel = () => {
    label.textContent = model.get("label");
    button.title = model.get("name");
    button.setAttribute("aria-label", model.get("name"));
    button.classList.toggle("etelecom-on", model.get("active"));
    popover?.setAttribute("aria-label", model.get("name"));
    connection?.place();
  };
  // The popover is another widget, which may not be on the page yet when the button is drawn.
  const connect = () => {
    const found = el.closest(".etelecom-menu")?.querySelector(":scope > .etelecom-popover");
    if (!found || found === popover) return;
    connection?.disconnect();
    popover = found;
    popover.setAttribute("aria-label", model.get("name"));
    connection = connectPopover(button, popover);
  };

  setLabel();
  button.addEventListener("click", connect); // before the browser opens the popover
  model.on("change:label change:name change:active", setLabel);
  el.replaceChildren(button);
  return () => {
    model.off("change:label change:name change:active", setLabel);
    connection?.disconnect();
  };
}

export default { render };
