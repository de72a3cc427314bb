// Checkboxes for schools: show how many are checked, and those that match the filter.

document.addEventListener("change", (event) => {
  const picker = event.target.closest("[data-picker]");
  const summary = picker?.querySelector("[data-picked]");
  if (!summary) return;
  const marked = [...picker.querySelectorAll("input:checked")].map((box) => box.parentElement.querySelector("[data-name]").textContent);
  const more = marked.length - 2;
  summary.textContent = marked.length
    ? marked.slice(0, 2).join(", ") + (more > 0 ? ` and ${more} more` : "")
    : summary.dataset.picked;
});
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-picker-filter]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const label of event.target.closest("[data-picker]").querySelectorAll(".boxes label")) {
    label.hidden = !label.textContent.toLowerCase().includes(wanted) && !label.control.checked;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-picker-filter]")) event.preventDefault();
});
