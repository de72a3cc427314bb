// The upload screen: a file can be dropped, and its type is shown immediately. The form also works without this script.

const form = document.querySelector("form[data-upload]");
const input = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");
const answer = document.getElementById("recognised");
const sampleBytes = Number(form.dataset.sample);
let asked = 0;

form.querySelector("[data-drop-hint]").hidden = false;
form.querySelector("[data-no-script]")?.setAttribute("hidden", "");

function say(problem) {
  const said = document.createElement("p");
  said.className = "field-error";
  said.textContent = problem;
  answer.replaceChildren(said);
}

// ---- recognition: only the first part of the file is sent ----

async function recognise() {
  const turn = ++asked;
  answer.replaceChildren();
  const [file] = input.files;
  const tooLarge = file && file.size > Number(form.dataset.max);
  // Reported before sending: the server would refuse it unread.
  const why = tooLarge ? `This file is larger than ${form.dataset.maxSaid}, the most that is accepted.` : "";
  input.setCustomValidity(why);
  if (why) say(why); // stays, unlike the browser's own message
  if (!file || tooLarge) return;
  const body = new FormData();
  body.append("part", file.slice(0, sampleBytes), "part");
  body.append("name", file.name);
  body.append("size", String(file.size));
  body.append("import_type", form.elements.import_type.value);
  body.append("sha256", await hashOf(file));
  try {
    const response = await fetch(form.dataset.recognise, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      credentials: "same-origin",
    });
    if (turn !== asked || !response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    answer.replaceChildren(...page.body.childNodes);
    take(answer.querySelector("[data-take-type]")?.dataset.takeType);
  } catch {
    // No network: the run itself will report what is wrong with the file.
  }
}

input.addEventListener("change", recognise);

answer.addEventListener("click", (event) => take(event.target.closest("[data-choose-type]")?.dataset.chooseType));

// What the file is takes precedence over what was chosen: the type changes, and with it the report about the file.
function take(type) {
  const select = form.elements.import_type;
  if (!type || select.value === type) return;
  select.value = type;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

// Whether exactly this file was imported before is found by its hash; if the browser cannot compute one (no https), the server reports it later.
async function hashOf(file) {
  if (!window.crypto?.subtle || file.size > 64 * 1024 * 1024) return "";
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

form.elements.import_type.addEventListener("change", recognise);

// ---- drag and drop ----

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("over"));
}
// Why a dropped item is not a file for this screen.
function whyNot(dropped) {
  if ([...(dropped.items ?? [])].some((item) => item.webkitGetAsEntry?.()?.isDirectory)) return "That is a folder. Open it and drop the file inside.";
  if (!dropped.files.length) return "That is a link or text, not a file. Download the file first, then drop it here.";
  return dropped.files.length > 1 ? "Drop one file at a time here. The home page accepts several." : "";
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const problem = whyNot(event.dataTransfer);
  if (problem) {
    say(problem);
    return;
  }
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  input.files = one.files;
  recognise();
});

// ---- the button text says what it will do ----

function nameWork() {
  const chosen = form.querySelector("input[name=work]:checked");
  if (chosen) form.querySelector("[data-work-name]").textContent = chosen.dataset.label;
}
form.addEventListener("change", nameWork);
document.body.addEventListener("htmx:afterSwap", nameWork);
nameWork();

form.addEventListener("submit", () => {
  const button = form.querySelector("[data-run]");
  button.setAttribute("aria-busy", "true");
  button.textContent = "Uploading …";
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
