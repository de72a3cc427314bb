// Small conveniences for every page; none is needed to use it.

// A menu (details.menu) closes on Escape, on a click elsewhere and after a choice.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest("details.menu a")) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form that starts work is submitted once, however often its button is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
// After the Back button, the form can be submitted again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});

// A filtering select submits its form immediately; the button next to it is for browsers without scripts.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) form.requestSubmit();
  });
  form.querySelector("[data-no-script]")?.setAttribute("hidden", "");
}

// Print buttons.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// The tab title of an active run shows its progress, since people look at other tabs.
const title = document.title;
function tellTab() {
  const percent = document.getElementById("progress")?.dataset.percent;
  document.title = percent === undefined ? title : `${percent}% · ${title}`;
  const icon = document.getElementById("progress")?.dataset.icon;
  const link = document.querySelector("link[rel=icon]");
  if (icon && link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}
document.addEventListener("htmx:afterSettle", tellTab);
tellTab();
