"use strict";
document.documentElement.classList.add("js");

// Tables: a click on a head sorts. The run table's controls filter. Rows are moved and hidden, never made.
const controls = document.querySelector(".controls");
const rows = [...document.querySelector(".runs").tBodies[0].rows].map((row) => ({ row, text: `${row.dataset.run} ${row.textContent}`.toLowerCase() }));

function order(cell) {
  if (cell.dataset.order === undefined) return cell.textContent.trim().toLowerCase();
  return cell.dataset.order === "" ? null : Number(cell.dataset.order);
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null); // rows without a value stay last
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortBy(head) {
  const table = head.closest("table");
  const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  const sign = direction === "ascending" ? 1 : -1;
  const keyed = places.get(table).map((entry) => ({ ...entry, key: order(entry.row.cells[head.cellIndex]) }));
  keyed.sort((a, b) => (a.key === null || b.key === null ? 1 : sign) * compare(a.key, b.key) || a.place - b.place);
  table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", direction);
  table.tBodies[0].append(...keyed.map((entry) => entry.row));
}

function filter() {
  const { text, method, generations, study } = Object.fromEntries(new FormData(controls));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { row, text } of rows) {
    const data = row.dataset;
    const fits =
      (!method || data.method === method) &&
      (!generations || data.generations === generations) &&
      (!study || data.studies.split(" ").includes(study)) &&
      words.every((word) => text.includes(word));
    row.hidden = !fits;
    shown += fits;
  }
  controls.querySelector("output").textContent = `${shown} of ${rows.length} runs`;
  document.querySelector(".nothing").hidden = shown > 0;
}

const places = new Map(); // rows of every table in the order in which they were written
for (const table of document.querySelectorAll(".sorted")) {
  places.set(table, [...table.tBodies[0].rows].map((row, place) => ({ row, place })));
}
for (const head of document.querySelectorAll(".sorted thead th:not(.chart)")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  button.addEventListener("click", () => sortBy(head));
  head.replaceChildren(button);
}
controls.addEventListener("input", filter);
controls.addEventListener("submit", (event) => event.preventDefault());

// A figure opens at full size; Escape closes it, as in every dialog.
const dialog = document.querySelector("dialog");
for (const button of document.querySelectorAll(".zoom")) {
  button.addEventListener("click", () => {
    dialog.querySelector("div").replaceChildren(button.firstElementChild.cloneNode());
    dialog.showModal();
  });
}

// A link into a folded part opens it first.
function unfold() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const folded = target && target.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();
