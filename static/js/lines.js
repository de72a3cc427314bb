// The editor of refused lines: typed text is saved a moment later, the browser asks before unsaved text is lost, and on a
// wide screen the folded fields are open. Without this script the buttons do the same.

const form = document.querySelector("form[data-keep]");
const said = form.querySelector("[data-kept]");
const QUIET = 1200; // ms without a keystroke before it is saved
let timer = 0;
let kept = state();
let leaving = false;

if (matchMedia("(min-width: 700px)").matches) {
  for (const folded of form.querySelectorAll("details[data-open-wide]")) folded.open = true;
}

function state() {
  return new URLSearchParams([...new FormData(form)].filter(([name]) => name.startsWith("f-"))).toString();
}

async function keep() {
  const now = state();
  if (now === kept || leaving) return;
  const body = new FormData(form);
  body.append("autosave", "1");
  try {
    // Use the attribute, since a field of the form might be named action.
    const response = await fetch(form.getAttribute("action"), { method: "POST", body, credentials: "same-origin", redirect: "manual" });
    if (!response.ok) throw new Error(String(response.status));
    kept = now;
    said.textContent = await response.text();
  } catch {
    said.textContent = "Not saved yet: the server did not answer. The next change tries again; “Keep for later” tries right away.";
  }
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(keep, QUIET);
});
form.addEventListener("submit", () => {
  leaving = true;
  clearTimeout(timer);
});
addEventListener("pageshow", () => (leaving = false));
addEventListener("beforeunload", (event) => {
  if (!leaving && state() !== kept) event.preventDefault();
});
