function render({ el }) {
  // JupyterLab takes plain keys for itself while a control has the focus: arrows never reach a list, and X cuts the cell.
  // Keys with Ctrl, Alt or Cmd stay its own. The window hears a key before the page does, so the mark is set in time.
  const mark = (event) => {
    if (el.closest(".etelecom-panel")?.contains(event.target)) {
      event.target.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.altKey || event.metaKey));
    }
  };
  window.addEventListener("keydown", mark, true);
  return () => window.removeEventListener("keydown", mark, true);
}

export default { render };
