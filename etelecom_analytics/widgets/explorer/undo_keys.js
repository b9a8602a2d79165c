function render({ model, el }) {
  // In a text field these keys undo typing. Elsewhere JupyterLab would undo a change of the cells.
  // The window receives a key before JupyterLab does.
  const isText = (target) =>
    target.isContentEditable ||
    target.matches("textarea, input:not([type=button], [type=checkbox], [type=radio], [type=range], [type=submit])");
  const action = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
    const key = event.key.toLowerCase();
    if (key === "z") return event.shiftKey ? "redo" : "undo";
    return key === "y" && !event.shiftKey ? "redo" : null;
  };
  const press = (event) => {
    const kind = action(event);
    if (!kind || !el.closest(".etelecom-panel")?.contains(event.target) || isText(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    model.send({ kind });
  };
  window.addEventListener("keydown", press, true);
  return () => window.removeEventListener("keydown", press, true);
}

export default { render };
