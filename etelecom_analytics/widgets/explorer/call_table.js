// Values are set as text, so none of them becomes HTML.
const LINE = "1px solid var(--jp-border-color2, #9994)";

function button(label, name, action, disabled = false) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "jupyter-widgets jupyter-button widget-button";
  element.textContent = label;
  element.setAttribute("aria-label", name);
  element.title = name;
  element.disabled = disabled;
  element.addEventListener("click", action);
  Object.assign(element.style, { width: "auto", minWidth: "0", padding: "0 8px", margin: "1px" });
  return element;
}

function render({ model, el }) {
  const head = (column, content) => {
    const cell = document.createElement("th");
    const sorted = content.sort === column.name;
    cell.scope = "col";
    cell.setAttribute("aria-sort", sorted ? (content.descending ? "descending" : "ascending") : "none");
    const arrow = sorted ? (content.descending ? " ↓" : " ↑") : "";
    const sort = button(column.title + arrow, column.sort, () => model.send({ kind: "sort", column: column.name }));
    Object.assign(sort.style, { background: "transparent", color: "inherit", fontWeight: "bold", margin: "0" });
    sort.dataset.key = `sort ${column.name}`;
    Object.assign(cell.style, { textAlign: column.number ? "right" : "left", borderBottom: LINE, whiteSpace: "nowrap" });
    cell.append(sort);
    return cell;
  };

  const draw = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const content = model.get("content");
    const { texts } = content;
    const table = document.createElement("table");
    Object.assign(table.style, { borderCollapse: "collapse", fontSize: "var(--jp-ui-font-size1, 13px)", color: "var(--jp-ui-font-color1, inherit)" });
    const caption = document.createElement("caption");
    caption.textContent = content.caption;
    Object.assign(caption.style, { textAlign: "left", whiteSpace: "nowrap", padding: "4px 8px" });
    const top = document.createElement("tr");
    const first = document.createElement("th");
    first.style.borderBottom = LINE;
    const label = document.createElement("span");
    label.textContent = texts.call;
    Object.assign(label.style, { padding: "0 8px", whiteSpace: "nowrap" });
    first.append(label);
    top.append(first, ...content.columns.map((column) => head(column, content)));
    const header = document.createElement("thead");
    header.append(top);
    const body = document.createElement("tbody");
    content.rows.forEach((row, index) => {
      const line = document.createElement("tr");
      if (index === content.open_row) line.style.background = "var(--jp-layout-color3, #8883)";
      const opener = document.createElement("td");
      const journey = button(texts.journey, content.journeys[index], () => model.send({ kind: "open", row: index }));
      journey.dataset.key = `open ${index}`;
      opener.style.borderBottom = LINE;
      opener.append(journey);
      line.append(opener);
      row.forEach((text, at) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        cell.title = text;
        Object.assign(cell.style, {
          textAlign: content.columns[at].number ? "right" : "left",
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
    pager.setAttribute("aria-label", texts.pages);
    const turn = (label, name, page, disabled) => {
      const element = button(label, name, () => model.send({ kind: "page", page }), disabled);
      element.dataset.key = name;
      return element;
    };
    const where = document.createElement("span");
    where.setAttribute("role", "status");
    where.textContent = texts.where;
    where.style.padding = "0 8px";
    const begin = content.page === 0;
    const end = content.page >= content.pages - 1;
    pager.append(
      turn(texts.first, texts.first_page, 0, begin), turn(texts.previous, texts.previous_page, content.page - 1, begin), where,
      turn(texts.next, texts.next_page, content.page + 1, end), turn(texts.last, texts.last_page, content.pages - 1, end),
    );
    el.replaceChildren(table, pager);
    if (focused) {
      const again = el.querySelector(`[data-key="${CSS.escape(focused)}"]`);
      (again && !again.disabled ? again : el.querySelector("button"))?.focus();
    }
  };

  draw();
  model.on("change:content", draw);
  return () => model.off("change:content", draw);
}

export default { render };
