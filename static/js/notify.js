// For an active run: the browser notifies when it has ended, if the user asked for that and the browser allows it.
// The choice is kept for this tab only; the notification names the run and its counts, no file and no student.

const key = (run) => `notify-run-${run}`;
const button = document.querySelector("[data-notify]");
const ended = document.querySelector("[data-ended]");

function wish(run) {
  sessionStorage.setItem(key(run), "yes");
  say("You will be notified when it ends, even while you look at something else. Keep this tab open.");
  button.hidden = true;
}

function say(text) {
  document.querySelector("[data-notify-said]").textContent = text;
}

if (button && window.isSecureContext && "Notification" in window) {
  const run = button.dataset.notify;
  button.parentElement.hidden = false;
  if (sessionStorage.getItem(key(run)) && Notification.permission === "granted") wish(run);
  button.addEventListener("click", async () => {
    if ((await Notification.requestPermission()) === "granted") wish(run);
    else say("The browser does not allow it. Allow notifications for this site in the browser's settings first.");
  });
}

if (ended && sessionStorage.getItem(key(ended.dataset.ended))) {
  sessionStorage.removeItem(key(ended.dataset.ended));
  if ("Notification" in window && Notification.permission === "granted") {
    const note = new Notification(ended.dataset.said, { icon: ended.dataset.icon, tag: key(ended.dataset.ended) });
    note.addEventListener("click", () => {
      window.focus();
      note.close();
    });
  }
}
