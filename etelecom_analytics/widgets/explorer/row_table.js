// All that is shown is set as text: nothing from outside becomes HTML.
const LINE = "1px solid var(--jp-border-color2, #9994)";

function button(label, name, action, disabled = false) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "jupyter-widgets jupyter-button widget-button";
  made.textContent = label;
  made.setAttribute("aria-label", name);
  made.title = name;
  made.disabled = disabled;
  made.addEventListener("click", action);
  Object.assign(made.style, { width: "auto", minWidth: "0", padding: "0 8px", margin: "1px" });
  return made;
}

function render({ model, el }) {
  const head = (column, told) => {
    const cell = document.createElement("th");
    const sorted = told.sort === column.name;
    cell.scope = "col";
    cell.setAttribute("aria-sort", sorted ? (told.descending ? "descending" : "ascending") : "none");
    const arrow = sorted ? (told.descending ? " ↓" : " ↑") : "";
    const sort = button(column.title + arrow, `Sort by ${column.title}`, () => model.send({ kind: "sort", column: column.name }));
    Object.assign(sort.style, { background: "transparent", color: "inherit", fontWeight: "bold", margin: "0" });
    sort.dataset.key = `sort ${column.name}`;
    Object.assign(cell.style, { textAlign: column.number ? "right" : "left", borderBottom: LINE, whiteSpace: "nowrap" });
    cell.append(sort);
    return cell;
  };

  const draw = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const told = model.get("told");
    const table = document.createElement("table");
    Object.assign(table.style, { borderCollapse: "collapse", fontSize: "var(--jp-ui-font-size1, 13px)", color: "var(--jp-ui-font-color1, inherit)" });
    const caption = document.createElement("caption");
    caption.textContent = told.caption;
    Object.assign(caption.style, { textAlign: "left", whiteSpace: "nowrap", padding: "4px 8px" });
    const top = document.createElement("tr");
    const first = document.createElement("th");
    first.style.borderBottom = LINE;
    const open = document.createElement("span");
    open.textContent = "call";
    open.style.padding = "0 8px";
    first.append(open);
    top.append(first, ...told.columns.map((column) => head(column, told)));
    const header = document.createElement("thead");
    header.append(top);
    const body = document.createElement("tbody");
    told.rows.forEach((row, place) => {
      const line = document.createElement("tr");
      if (place === told.chosen) line.style.background = "var(--jp-layout-color3, #8883)";
      const opener = document.createElement("td");
      const journey = button("Journey", `Journey of call ${place + 1} on this page: ${row[0]}`, () => model.send({ kind: "open", place }));
      journey.dataset.key = `open ${place}`;
      opener.style.borderBottom = LINE;
      opener.append(journey);
      line.append(opener);
      row.forEach((text, index) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        cell.title = text;
        Object.assign(cell.style, {
          textAlign: told.columns[index].number ? "right" : "left",
          padding: "1px 8px",
          maxWidth: "220px",
          overflow: "hidden",
          textOverflow: "ellipsis",
          whiteSpace: "nowrap",
          borderBottom: LINE,
          fontVariantNumeric: "tabular-nums",
        });
        line.append(cell);
      });
      body.append(line);
    });
    table.append(caption, header, body);
    const pager = document.createElement("div");
    pager.setAttribute("role", "group");
    pager.setAttribute("aria-label", "Pages");
    const turn = (label, name, page, disabled) => {
      const made = button(label, name, () => model.send({ kind: "page", page }), disabled);
      made.dataset.key = name;
      return made;
    };
    const where = document.createElement("span");
    where.setAttribute("role", "status");
    where.textContent = told.pages ? `page ${(told.page + 1).toLocaleString("en")} of ${told.pages.toLocaleString("en")}` : "no calls";
    where.style.padding = "0 8px";
    const begin = told.page === 0;
    const end = told.page >= told.pages - 1;
    pager.append(
      turn("First", "First page", 0, begin), turn("Previous", "Previous page", told.page - 1, begin), where,
      turn("Next", "Next page", told.page + 1, end), turn("Last", "Last page", told.pages - 1, end),
    );
    el.replaceChildren(table, pager);
    if (focused) {
      const again = el.querySelector(`[data-key="${CSS.escape(focused)}"]`);
      (again && !again.disabled ? again : el.querySelector("button"))?.focus();
    }
  };

  draw();
  model.on("change:told", draw);
  return () => model.off("change:told", draw);
}

export default { render };
