const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex='0']";

function labelOf(element) {
  return element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent;
}

// Some controls make their elements anew, and the Undo button is disabled after the last step. The
// focus then moves to the same control, or to the one at the same place, so that keys still work.
function keepFocus(panel) {
  let last = null;
  const all = () => [...panel.querySelectorAll(FOCUSABLE)];
  const isUsable = (element) => element.isConnected && !element.disabled;
  const focused = ({ target }) => {
    last = panel.contains(target) ? { element: target, label: labelOf(target), place: all().indexOf(target) } : null;
  };
  // Left by the user: the control is still there.
  const left = ({ target }) =>
    queueMicrotask(() => {
      if (last?.element === target && isUsable(target) && document.activeElement !== target) last = null;
    });
  const changed = () => {
    if (!last || isUsable(last.element)) return;
    const { element, label, place } = last;
    const active = document.activeElement;
    if (active !== document.body && active !== element) return;
    const usable = all().filter((each) => isUsable(each) && each.checkVisibility());
    const same = usable.find((each) => each.tagName === element.tagName && labelOf(each) === label);
    const following = all().slice(Math.max(place, 0)).find((each) => usable.includes(each));
    (same ?? following ?? usable.at(-1))?.focus({ preventScroll: true });
  };
  const changes = new MutationObserver(changed);
  changes.observe(panel, { childList: true, subtree: true, attributeFilter: ["disabled"] });
  document.addEventListener("focusin", focused);
  document.addEventListener("focusout", left);
  return () => {
    changes.disconnect();
    document.removeEventListener("focusin", focused);
    document.removeEventListener("focusout", left);
  };
}

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
  let stop = null;
  const panel = () => {
    const found = el.closest(".etelecom-panel");
    if (found) stop ??= keepFocus(found);
    return found;
  };
  const press = (event) => {
    const kind = action(event);
    if (!kind || !panel()?.contains(event.target) || isText(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    model.send({ kind });
  };
  // The panel is not on the page yet when its parts are drawn.
  const entered = () => {
    if (panel()) document.removeEventListener("focusin", entered, true);
  };
  document.addEventListener("focusin", entered, true);
  window.addEventListener("keydown", press, true);
  return () => {
    document.removeEventListener("focusin", entered, true);
    window.removeEventListener("keydown", press, true);
    stop?.();
  };
}

export default { render };
