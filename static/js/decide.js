// Keys on pages of decisions: n and p go to the next and previous entry, 1 to 9 choose a candidate, r refuses.
// Everything can also be done with Tab, arrows and Enter.
const entries = [...document.querySelectorAll("fieldset.compare")];
const here = () => entries.findIndex((entry) => entry.contains(document.activeElement));

function go(to) {
  const entry = entries[Math.max(0, Math.min(entries.length - 1, to))];
  (entry?.querySelector("input[type=radio]:checked") ?? entry?.querySelector("input[type=radio]"))?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=radio]), select, textarea")) return;
  const at = here();
  if (event.key === "n") go(at + 1);
  else if (event.key === "p") go(at - 1);
  else if (at >= 0 && /^[1-9r]$/.test(event.key)) {
    const wanted = event.key === "r" ? entries[at].querySelector("input[value=refuse]") : entries[at].querySelectorAll("thead input[type=radio], .offers input[type=radio]")[event.key - 1];
    if (!wanted) return;
    wanted.checked = true;
    wanted.focus();
  } else return;
  event.preventDefault();
});

// Unsaved marks are not lost by accident: the browser asks before leaving. Submitting the form saves them.
for (const form of document.querySelectorAll("form[data-guard]")) {
  const state = () => new URLSearchParams([...new FormData(form)].filter(([name]) => /^(line|other|reason|request)-/.test(name))).toString();
  const first = state();
  let sent = false;
  form.addEventListener("submit", () => (sent = true));
  addEventListener("pageshow", () => (sent = false));
  addEventListener("beforeunload", (event) => {
    if (!sent && state() !== first) event.preventDefault();
  });
}

// A late response to earlier typing does not remove marks made since; typing again does.
document.getElementById("desk-words")?.addEventListener("input", () => {
  for (const mark of document.querySelectorAll("#desk-found input:checked")) mark.checked = false;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "desk-found" && event.detail.target.querySelector("input:checked")) event.detail.shouldSwap = false;
});
