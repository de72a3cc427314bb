// The link of an invitation carries its code behind the #: browsers never send that part, so no log or referrer contains it.
// Without this script the code is typed from the letter.

const form = document.querySelector("form[data-join]");
const code = decodeURIComponent(window.location.hash.slice(1));

if (code) {
  history.replaceState(null, "", window.location.pathname);
  form.elements.namedItem("code").value = code;
  form.requestSubmit();
}
