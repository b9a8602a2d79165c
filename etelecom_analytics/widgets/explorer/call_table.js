// Values are set as text, so none of them becomes HTML. After popover.js.
const SEARCH_DELAY_MS = 250;
const RESIZE_DELAY_MS = 250;
const MIN_RESIZE = 24; // pixels; a scroll bar that comes and goes changes nothing

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function button(label, name, action) {
  const element = make("button", { type: "button", textContent: label, title: name });
  element.setAttribute("aria-label", name);
  element.addEventListener("click", action);
  return element;
}

// The list of columns: a button that opens check boxes.
function columnMenu(texts, onChange) {
  const boxes = texts.columns.map((column) => {
    const box = make("input", { type: "checkbox", name: column.name });
    box.addEventListener("change", () => onChange(column.name, box.checked));
    return box;
  });
  const labels = boxes.map((box, at) => make("label", {}, box, texts.columns[at].title));
  const list = make("div", { className: "etelecom-popover" }, ...labels);
  list.setAttribute("aria-label", texts.choose);
  const { button: opener, label } = popoverButton();
  label.textContent = texts.choose;
  const { disconnect } = connectPopover(opener, list);
  const show = (shown) => {
    for (const box of boxes) {
      box.checked = shown.includes(box.name);
      box.disabled = box.checked && shown.length === 1;
    }
  };
  return { menu: make("div", { className: "etelecom-column-menu" }, opener, list), show, disconnect };
}

function render({ model, el }) {
  const texts = model.get("texts");
  const columns = new Map(texts.columns.map((column) => [column.name, column]));
  // A journey is drawn as wide as the table.
  const send = (kind, values = {}) => {
    drawnWidth = el.clientWidth;
    model.send({ kind, width: drawnWidth, ...values });
  };
  let drawnWidth = 0;
  let current = 0; // the row that the Tab key reaches
  let focusAfter = null; // the row that gets the focus when the next page is here

  // What stays: the controls. What a change replaces: the head, the rows and the texts.
  const caption = make("span", { className: "etelecom-caption" });
  const search = make("input", { type: "search", placeholder: texts.search, title: texts.search_hint, maxLength: 100 });
  search.setAttribute("aria-label", texts.search_hint);
  const choice = columnMenu(texts, (column, visible) => send("column", { column, visible }));
  const bar = make("div", { className: "etelecom-calls-bar" }, caption, search, choice.menu);
  const found = make("div", { className: "etelecom-found" });
  found.setAttribute("role", "status");
  const head = make("tr");
  const body = make("tbody");
  const table = make("table", {}, make("thead", {}, head), body);
  const scroller = make("div", { className: "etelecom-scroller" }, table);
  const frame = make("div", { className: "etelecom-frame" }, scroller);
  const pager = make("div", { className: "etelecom-pager" });
  pager.setAttribute("role", "group");
  pager.setAttribute("aria-label", texts.pages);
  const turn = (label, name, page) => button(label, name, () => send("page", { page: page(model.get("content")) }));
  const begin = [turn("«", texts.first, () => 0), turn("‹", texts.previous, ({ page }) => page - 1)];
  const end = [turn("›", texts.next, ({ page }) => page + 1), turn("»", texts.last, ({ pages }) => pages - 1)];
  const where = make("span", {});
  where.setAttribute("role", "status");
  pager.append(...begin, where, ...end, make("span", { className: "etelecom-hint", textContent: texts.hint }));
  el.replaceChildren(bar, found, frame, pager);

  const rows = () => [...body.children];
  const focusRow = (index) => {
    current = Math.max(0, Math.min(index, rows().length - 1));
    rows().forEach((row, at) => { row.tabIndex = at === current ? 0 : -1; });
    rows()[current]?.focus();
  };

  const drawHead = (content) => {
    head.replaceChildren(...content.shown.map((name) => {
      const column = columns.get(name);
      const sorted = content.sort === name;
      const arrow = sorted ? (content.descending ? " ↓" : " ↑") : "";
      const sort = button(column.title + arrow, column.sort, () => send("sort", { column: name }));
      sort.dataset.key = name;
      const cell = make("th", { scope: "col", className: column.number ? "etelecom-number" : "" }, sort);
      cell.setAttribute("aria-sort", sorted ? (content.descending ? "descending" : "ascending") : "none");
      return cell;
    }));
  };

  const drawRow = (texts_, index, content) => {
    const row = make("tr", { tabIndex: index === current ? 0 : -1 });
    if (index === content.open_row) row.setAttribute("aria-current", "true");
    row.append(...texts_.map((text, at) => {
      const name = content.shown[at];
      const cell = make("td", { textContent: text, title: content.titles[index][name] ?? text });
      if (columns.get(name).number) cell.className = "etelecom-number";
      if (name === "call_state" && content.missed[index]) cell.className = "etelecom-missed";
      return cell;
    }));
    row.addEventListener("click", () => {
      if (String(window.getSelection())) return; // the user copies a text
      focusRow(index);
      send("open", { row: index });
    });
    return row;
  };

  // An open journey is drawn again when the table has another width.
  let resizing = null;
  const resized = () => {
    clearTimeout(resizing);
    const width = el.clientWidth;
    if (width && model.get("content").open_row !== null && Math.abs(width - drawnWidth) > MIN_RESIZE) {
      resizing = setTimeout(() => send("resize"), RESIZE_DELAY_MS);
    }
  };
  const showEdges = () => {
    const rest = scroller.scrollWidth - scroller.clientWidth - scroller.scrollLeft;
    frame.classList.toggle("more-left", scroller.scrollLeft > 1);
    frame.classList.toggle("more-right", rest > 1);
  };

  const draw = () => {
    const content = model.get("content");
    const active = el.contains(document.activeElement) ? document.activeElement : null;
    const hadRow = body.contains(active);
    const key = head.contains(active) ? active.dataset.key : null;
    caption.textContent = content.caption;
    table.setAttribute("aria-label", content.caption);
    found.textContent = content.found;
    choice.show(content.shown);
    current = Math.min(content.open_row ?? current, Math.max(content.rows.length - 1, 0));
    drawHead(content);
    body.replaceChildren(...content.rows.map((row, index) => drawRow(row, index, content)));
    where.textContent = content.where;
    begin.forEach((each) => { each.disabled = content.page <= 0; });
    end.forEach((each) => { each.disabled = content.page >= content.pages - 1; });
    if (key) head.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
    else if (hadRow) focusRow(content.open_row ?? focusAfter ?? current);
    else if (active?.disabled) [...begin, ...end].find((each) => !each.disabled)?.focus();
    focusAfter = null;
    showEdges();
  };

  // The drawer is a sibling of the table.
  let isOpen = false;
  const drawer = () => el.closest(".etelecom-calls")?.querySelector(".etelecom-journey");
  const change = () => {
    const { open_row, focus_row } = model.get("content");
    draw();
    if (focus_row !== null) focusRow(focus_row);
    if (open_row !== null && !isOpen) setTimeout(() => drawer()?.scrollIntoView({ block: "nearest" }), 100);
    isOpen = open_row !== null;
  };

  const moves = { ArrowDown: 1, ArrowUp: -1 };
  const moveRow = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { open_row, page, pages } = model.get("content");
    const index = rows().indexOf(event.target);
    if (index < 0) return;
    const last = rows().length - 1;
    if (event.key === "Enter" || event.key === " ") send("open", { row: index });
    else if (event.key === "Escape" && open_row !== null) send("close");
    else if (event.key in moves && open_row === index) send("step", { by: moves[event.key] });
    else if (event.key in moves && index + moves[event.key] >= 0 && index + moves[event.key] <= last) focusRow(index + moves[event.key]);
    else if (event.key === "ArrowDown" && page < pages - 1) { focusAfter = 0; send("page", { page: page + 1 }); }
    else if (event.key === "ArrowUp" && page > 0) { focusAfter = Infinity; send("page", { page: page - 1 }); }
    else if (event.key === "Home") focusRow(0);
    else if (event.key === "End") focusRow(last);
    else if (event.key === "PageDown" && page < pages - 1) send("page", { page: page + 1 });
    else if (event.key === "PageUp" && page > 0) send("page", { page: page - 1 });
    else if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const moveInDrawer = (event) => {
    if (!drawer()?.contains(event.target)) return;
    if (event.key === "Escape") send("close");
    else if (event.key in moves) send("step", { by: moves[event.key] });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  let timer = null;
  const searchNow = (values) => {
    clearTimeout(timer);
    send("search", { text: search.value, ...values });
  };
  let prepared = false;
  const prepare = () => {
    if (!prepared) send("prepare");
    prepared = true;
  };
  search.addEventListener("focus", prepare);
  bar.addEventListener("pointerenter", prepare);
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(searchNow, SEARCH_DELAY_MS);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") searchNow({ open: true });
    if (event.key === "Escape" && search.value) {
      event.preventDefault();
      event.stopPropagation();
      search.value = "";
      searchNow();
    }
  });

  body.addEventListener("keydown", moveRow);
  scroller.addEventListener("scroll", showEdges);
  document.addEventListener("keydown", moveInDrawer, true);
  const sizes = new ResizeObserver(() => {
    showEdges();
    resized();
  });
  sizes.observe(scroller);
  search.value = model.get("content").search;
  draw();
  model.on("change:content", change);
  const received = ({ kind }) => {
    if (kind !== "clear") return;
    clearTimeout(timer);
    search.value = "";
  };
  model.on("msg:custom", received);
  return () => {
    clearTimeout(timer);
    clearTimeout(resizing);
    sizes.disconnect();
    document.removeEventListener("keydown", moveInDrawer, true);
    choice.disconnect();
    model.off("change:content", change);
    model.off("msg:custom", received);
  };
}

export default { render };
