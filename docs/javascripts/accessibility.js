// What the theme leaves out for keyboards and screen readers.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

// A table that scrolls can be reached with the Tab key. The theme wraps tables after loading.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    scrolls ? target.setAttribute("tabindex", "0") : target.removeAttribute("tabindex");
  }
});
function observeTables() {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) sizes.observe(table);
}
new MutationObserver(observeTables).observe(document.body, { childList: true, subtree: true });
observeTables();
