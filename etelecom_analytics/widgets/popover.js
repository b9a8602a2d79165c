// A button that opens a popover next to it. Esc, a click elsewhere and the next Tab close it.
const MARGIN = 8;
const FOCUSABLE = "select:not([disabled]), input:not([disabled]), textarea, button:not([disabled])";

// The button, with the element of its text.
function popoverButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  const label = document.createElement("span");
  const arrow = document.createElement("span");
  arrow.textContent = " ▾";
  arrow.setAttribute("aria-hidden", "true");
  button.append(label, arrow);
  return { button, label };
}

// Connects a button with its popover; returns how to place the popover anew and to disconnect them.
function connectPopover(button, popover) {
  const isOpen = () => popover.matches(":popover-open");

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
  const stopPlacing = () => {
    window.removeEventListener("scroll", place, true);
    window.removeEventListener("resize", place);
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
      stopPlacing();
      // A click elsewhere may have given the focus to the page or to the cell around the panel.
      if (document.activeElement === null || document.activeElement.contains(button)) button.focus();
    }
  };
  const left = (event) => {
    const next = event.relatedTarget;
    if (isOpen() && next && next !== button && !popover.contains(next)) popover.hidePopover();
  };

  popover.popover = "auto";
  popover.tabIndex = -1; // for the focus where it has only text
  popover.setAttribute("role", "dialog");
  popover.addEventListener("beforetoggle", toggling);
  popover.addEventListener("toggle", toggled);
  popover.addEventListener("focusout", left);
  button.addEventListener("focusout", left);
  button.popoverTargetElement = popover;
  const disconnect = () => {
    popover.removeEventListener("beforetoggle", toggling);
    popover.removeEventListener("toggle", toggled);
    popover.removeEventListener("focusout", left);
    button.removeEventListener("focusout", left);
    stopPlacing();
  };
  return { place, disconnect };
}
