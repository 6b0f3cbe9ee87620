// Writing an invoice: more lines without a round trip, and sums that the server adds up while somebody types.
(function () {
  "use strict";

  const PAUSE_MS = 350;
  const lines = document.getElementById("lines");
  if (!lines) return;
  const form = lines.closest("form");
  let timer = 0;
  let asked = 0;

  for (const button of form.querySelectorAll("[data-add-up]")) button.hidden = true;
  for (const button of form.querySelectorAll("[data-add-line]")) {
    button.textContent = "Add a line";
    button.addEventListener("click", function (event) {
      event.preventDefault();
      addLine().querySelector("input").focus();
    });
  }

  function addLine() {
    const all = lines.querySelectorAll(".editor-line:not(.heads)");
    const line = all[all.length - 1].cloneNode(true);
    const at = all.length;
    for (const error of line.querySelectorAll(".field-error")) error.remove();
    for (const label of line.querySelectorAll("label")) {
      label.htmlFor = label.htmlFor.replace(/-\d+$/, "-" + at);
      label.textContent = label.textContent.replace(/line \d+/, "line " + (at + 1));
    }
    for (const input of line.querySelectorAll("input")) {
      input.id = input.id.replace(/-\d+$/, "-" + at);
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      if (input.name !== "tax") input.value = "";
    }
    lines.append(line);
    return line;
  }

  form.addEventListener("input", function () {
    window.clearTimeout(timer);
    timer = window.setTimeout(addUp, PAUSE_MS);
  });

  // Enter in a line is no wish to save: it goes on to the next line.
  lines.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    const line = event.target.closest(".editor-line");
    (line.nextElementSibling || addLine()).querySelector("input").focus();
  });

  async function addUp() {
    const mine = (asked += 1);
    try {
      const body = new URLSearchParams(new FormData(form));
      // Asking for the sums is no sending of the form.
      body.delete("form_key");
      const response = await fetch("/invoices/totals", { method: "POST", body: body });
      if (!response.ok || mine !== asked) return;
      const next = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("totals");
      if (next) document.getElementById("totals").replaceWith(next);
    } catch (error) {
      // Offline: the sums are shown when it is saved.
    }
  }
})();
