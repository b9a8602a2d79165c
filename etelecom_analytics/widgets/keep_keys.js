function render({ el }) {
  // JupyterLab uses plain keys as shortcuts while a control has the focus: arrows do not move in a
  // list, and X cuts the cell. Keys with Ctrl, Alt or Cmd stay shortcuts.
  // The window receives a key before the page does, so the attribute is set in time.
  const mark = (event) => {
    if (el.closest(".etelecom-panel")?.contains(event.target)) {
      event.target.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.altKey || event.metaKey));
    }
  };
  window.addEventListener("keydown", mark, true);
  return () => window.removeEventListener("keydown", mark, true);
}

export default { render };
