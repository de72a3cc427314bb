// Names and roles that the admin's widgets lack, for people using a screen reader or only the keyboard. Runs again when forms are added.

const words = (element) => element?.textContent.trim().replace(/\s+/g, " ") ?? "";
const labelOf = (id) => words(document.querySelector(`label[for="${CSS.escape(id)}"]`)).replace(/\s*\*$/, "");

function nameInput(input) {
  const cell = input.closest("td");
  const heads = cell?.closest("table")?.querySelectorAll("thead th");
  return words(heads?.[cell.cellIndex]) || input.name;
}

function repair() {
  // Tooltips expose their text as the name of an image.
  for (const tip of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) tip.setAttribute("role", "img");

  // Scrollable parts are landmarks: each needs its own name.
  document.querySelectorAll(".simplebar-content-wrapper[role=region]").forEach((part, number) => {
    part.setAttribute("aria-label", part.closest("#nav-sidebar-apps") ? "Menu" : `Scrollable part ${number + 1}`);
  });

  // Fields in tables are named by the head of their column.
  for (const input of document.querySelectorAll("td :is(input:not([type=hidden]), select, textarea)")) {
    if (!input.labels?.length && !input.hasAttribute("aria-label")) input.setAttribute("aria-label", nameInput(input));
  }

  // Lists to search in are named by the label of the list they replace.
  for (const container of document.querySelectorAll(".select2-container")) {
    const select = container.previousElementSibling;
    if (!select?.matches("select")) continue;
    const name = labelOf(select.id) || select.getAttribute("aria-label") || nameInput(select);
    for (const part of container.querySelectorAll("[role=combobox], [role=textbox], [role=searchbox]")) {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", name);
    }
  }

  for (const head of document.querySelectorAll("th")) {
    if (words(head) || head.querySelector("input")) continue;
    const name = document.createElement("span");
    name.className = "sr-only";
    name.textContent = "Actions";
    head.append(name);
  }

  // Clickable images are buttons.
  for (const picture of document.querySelectorAll("span[x-on\\:click]:not([role])")) {
    picture.setAttribute("role", "button");
    picture.setAttribute("tabindex", "0");
    picture.setAttribute("aria-label", "Menu");
    picture.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      picture.click();
    });
  }
}

let due = false;
function soon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    repair();
  });
}

document.addEventListener("DOMContentLoaded", () => {
  repair();
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
});
