// A button that opens the popover next to it, which contains widgets.
const MARGIN = 8;
const FOCUSABLE = "select:not([disabled]), input:not([disabled]), textarea, button:not([disabled])";

function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "etelecom-chip";
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  const label = document.createElement("span");
  const arrow = document.createElement("span");
  arrow.textContent = " ▾";
  arrow.setAttribute("aria-hidden", "true");
  button.append(label, arrow);
  let popover = null;

  const setLabel = () => {
    label.textContent = model.get("label");
    button.title = model.get("name");
    button.setAttribute("aria-label", model.get("name"));
    button.classList.toggle("etelecom-on", model.get("active"));
    popover?.setAttribute("aria-label", model.get("name"));
    place();
  };
  const isOpen = () => popover?.matches(":popover-open") ?? false;

  // Below the button, or above it where there is more room; within the window.
  const place = () => {
    if (!isOpen()) return;
    const anchor = button.getBoundingClientRect();
    const below = window.innerHeight - anchor.bottom;
    const isAbove = popover.scrollHeight > below && anchor.top > below;
    const left = Math.min(anchor.left, window.innerWidth - popover.offsetWidth - MARGIN);
    Object.assign(popover.style, {
      left: `${Math.max(left, MARGIN)}px`,
      top: isAbove ? "auto" : `${anchor.bottom + 4}px`,
      bottom: isAbove ? `${below + anchor.height + 4}px` : "auto",
      maxHeight: `${(isAbove ? anchor.top : below) - 2 * MARGIN}px`,
    });
  };
  const toggling = (event) => button.setAttribute("aria-expanded", String(event.newState === "open"));
  const toggled = () => {
    if (isOpen()) {
      place();
      const first = popover.querySelector(FOCUSABLE) ?? popover;
      first.focus();
      first.select?.(); // typing replaces the text of a field, as after the Tab key
      window.addEventListener("scroll", place, true);
      window.addEventListener("resize", place);
    } else {
      window.removeEventListener("scroll", place, true);
      window.removeEventListener("resize", place);
      // A click elsewhere may have given the focus to the page or to the cell around the panel.
      if (document.activeElement === null || document.activeElement.contains(button)) button.focus();
    }
  };
  const left = (event) => {
    const next = event.relatedTarget;
    if (isOpen() && next && next !== button && !popover.contains(next)) popover.hidePopover();
  };
  // The popover is another widget, which may not be on the page yet when the button is drawn.
  const connect = () => {
    const found = el.closest(".etelecom-menu")?.querySelector(":scope > .etelecom-popover");
    if (!found || found === popover) return;
    disconnect();
    popover = found;
    popover.popover = "auto";
    popover.tabIndex = -1; // for the focus where it has only text
    popover.setAttribute("role", "dialog");
    popover.setAttribute("aria-label", model.get("name"));
    popover.addEventListener("beforetoggle", toggling);
    popover.addEventListener("toggle", toggled);
    popover.addEventListener("focusout", left);
    button.popoverTargetElement = popover;
  };
  const disconnect = () => {
    popover?.removeEventListener("beforetoggle", toggling);
    popover?.removeEventListener("toggle", toggled);
    popover?.removeEventListener("focusout", left);
    window.removeEventListener("scroll", place, true);
    window.removeEventListener("resize", place);
  };

  setLabel();
  button.addEventListener("focusout", left);
  button.addEventListener("click", connect); // before the browser opens the popover
  model.on("change:label change:name change:active", setLabel);
  el.replaceChildren(button);
  return () => {
    model.off("change:label change:name change:active", setLabel);
    disconnect();
  };
}

export default { render };
