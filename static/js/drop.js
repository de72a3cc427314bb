// The home page: a file can be dropped anywhere on it, or chosen with U. Without this script the form works on its own.

const form = document.querySelector("form[data-drop-anywhere]");
const input = form.querySelector("input[type=file]");
const problem = form.querySelector("[data-drop-problem]");
let depth = 0;

for (const part of form.querySelectorAll("[data-with-script]")) part.hidden = false;
for (const part of form.querySelectorAll("[data-without-script]")) part.hidden = true;

function say(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

function send() {
  say("");
  const files = [...input.files];
  if (!files.length) return;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size > Number(form.dataset.max)) {
    say(`${files.length > 1 ? "These files are" : "This file is"} larger than ${form.dataset.maxSaid}, the most that is accepted at one time.`);
    input.value = "";
    return;
  }
  form.setAttribute("aria-busy", "true");
  form.requestSubmit();
}

input.addEventListener("change", send);

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "u" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  event.preventDefault();
  input.click();
});

// dragenter and dragleave fire for every element along the way: by counting them, we know when the pointer leaves the page.
document.addEventListener("dragenter", (event) => {
  event.preventDefault();
  depth += 1;
  form.classList.add("over");
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  if (!depth) form.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  form.classList.remove("over");
  const items = [...(event.dataTransfer.items ?? [])];
  if (items.some((item) => item.webkitGetAsEntry?.()?.isDirectory)) {
    say("That is a folder. Open it and drop the files inside.");
    return;
  }
  if (!event.dataTransfer.files.length) {
    say("That is a link or text, not a file. Download the file first, then drop it here.");
    return;
  }
  input.files = event.dataTransfer.files;
  send();
});

window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
