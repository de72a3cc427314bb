// Search from anywhere with /, the list of shortcuts with ?. Without this script the form and the help page do the same.

const form = document.querySelector("form[data-find]");
const field = form?.querySelector("input[type=search]");
const found = form?.querySelector("#found");
const list = document.getElementById("keys");

for (const part of document.querySelectorAll("[data-find-key]")) part.hidden = false;

const types = (target) => target.closest?.("input:not([type=radio], [type=checkbox], [type=submit], [type=button]), select, textarea, [contenteditable]");

function show() {
  const menu = field.closest("[popover]");
  if (!field.checkVisibility?.() && menu?.showPopover) menu.showPopover();
  field.focus();
  field.select();
}

function clear() {
  found.replaceChildren();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && form?.contains(event.target)) {
    clear();
    field.focus();
    return;
  }
  if (types(event.target)) return;
  if (event.key === "/" && field) show();
  else if (event.key === "?" && list) list.showModal();
  else return;
  event.preventDefault();
});

// Arrows move through the results; typing stays in the field.
form?.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = [...found.querySelectorAll("a")];
  if (!links.length) return;
  const to = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  (to < 0 ? field : links[Math.min(to, links.length - 1)]).focus();
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (form && !form.contains(event.target)) clear();
});
