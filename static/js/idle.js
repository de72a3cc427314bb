// Warns two minutes before a session ends for inactivity, and goes to the sign-in page when it has ended.
// Without this script the session still ends; the next page then asks to sign in.

const dialog = document.querySelector("#idle");
const WARNING = 120;
const seconds = Number(dialog.dataset.seconds);
const KEPT = "last-asked"; // shared by all windows of this browser: activity in one keeps all of them signed in

function asked() {
  localStorage.setItem(KEPT, String(Date.now()));
  if (dialog.open) dialog.close();
}

function look() {
  const still = (Date.now() - Number(localStorage.getItem(KEPT))) / 1000;
  if (still > seconds + 5) window.location.reload();
  else if (still > seconds - WARNING) {
    if (!dialog.open) dialog.showModal();
  } else if (dialog.open) dialog.close();
}

dialog.querySelector("form").addEventListener("submit", async () => {
  const answer = await fetch(dialog.dataset.alive, { credentials: "same-origin" });
  if (answer.ok && !answer.redirected) asked();
  else window.location.reload();
});
// The page that watches a run polls automatically; all other requests come from the user.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt?.id !== "progress") asked();
});
asked();
setInterval(look, Math.min(5000, (seconds * 1000) / 10));
document.addEventListener("visibilitychange", look);
