// The groups of a chart as a list for the keyboard and for screen readers, drawn as the chart.

const HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";
let lists = 0;

// Returns the list, a line with the active group, `show(groups, chosen)` and `activate(index)`.
// `select(group, add)` is called for Enter and Space, `mark(id)` with the active group or null.
function groupList(label, { select, mark }) {
  const name = `etelecom-groups-${(lists += 1)}`;
  const list = document.createElement("div");
  Object.assign(list, { tabIndex: 0, role: "listbox" });
  list.setAttribute("aria-label", label);
  list.setAttribute("aria-multiselectable", "true");
  list.style.cssText = HIDDEN;
  const line = document.createElement("div");
  line.setAttribute("aria-hidden", "true");
  line.style.cssText = "min-height:1.4em;font-size:12px";
  let groups = [];
  let active = 0;
  let byKeyboard = false;
  let byPointer = false;

  const textOf = (group) => [group.label, group.text].filter(Boolean).join(": ");
  const show = (newGroups, chosen) => {
    if (newGroups !== groups) {
      groups = newGroups;
      active = Math.min(active, Math.max(groups.length - 1, 0));
      list.replaceChildren(
        ...groups.map((group, index) => {
          const option = document.createElement("div");
          Object.assign(option, { id: `${name}-${index}`, role: "option", textContent: textOf(group) });
          return option;
        }),
      );
    }
    list.style.display = groups.length ? "" : "none";
    groups.forEach((group, index) => list.children[index].setAttribute("aria-selected", String(chosen.includes(group.id))));
    if (document.activeElement === list) activate(active);
  };
  const activate = (index) => {
    active = Math.min(Math.max(index, 0), groups.length - 1);
    const group = groups[active];
    if (!group) return;
    list.setAttribute("aria-activedescendant", `${name}-${active}`);
    if (!byKeyboard) return;
    line.textContent = textOf(group);
    mark(group.id);
  };
  // The next group in a column of a heat map, whose groups have two values; else the next group.
  const inColumn = (step) => {
    const hour = groups[active]?.values[1];
    if (hour === undefined) return active + step;
    for (let index = active + step; groups[index]; index += step) {
      if (groups[index].values[1] === hour) return index;
    }
    return active;
  };
  const targets = {
    ArrowRight: () => active + 1,
    ArrowLeft: () => active - 1,
    ArrowDown: () => inColumn(1),
    ArrowUp: () => inColumn(-1),
    Home: () => 0,
    End: () => groups.length - 1,
  };
  list.addEventListener("keydown", (event) => {
    const selects = event.key === "Enter" || event.key === " ";
    if (!selects && !targets[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    byKeyboard = true;
    if (!selects) activate(targets[event.key]());
    else if (groups[active]) select(groups[active], adds(event));
  });
  list.addEventListener("focus", () => {
    byKeyboard = !byPointer && list.matches(":focus-visible");
    activate(active);
  });
  const leave = () => {
    byKeyboard = false;
    line.textContent = "";
    mark(null);
  };
  list.addEventListener("blur", leave);
  const activateValues = (values) => {
    const index = groups.findIndex((group) => String(group.values) === String(values));
    if (index >= 0) active = index;
    byPointer = true;
    list.focus({ preventScroll: true });
    byPointer = false;
    if (byKeyboard) leave();
  };
  return { list, line, show, activateValues };
}
