// What pages do beyond plain HTML: ask before something final, copy a text, choose several boxes at once. Without
// this script the same is done by a page of its own, by hand, and one by one.
(function () {
  "use strict";

  // A link to a page that asks "are you sure?", or a button that would do it at once, opens the question over
  // this page instead.
  document.addEventListener("click", function (event) {
    const link = event.target.closest("[data-dialog]");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey) return;
    const dialog = document.getElementById(link.dataset.dialog);
    if (!dialog || typeof dialog.showModal !== "function") return;
    event.preventDefault();
    dialog.showModal();
  });

  document.addEventListener("click", function (event) {
    const close = event.target.closest("dialog [data-close]");
    // The page's own way back is for when the question is a page.
    if (close) {
      event.preventDefault();
      close.closest("dialog").close();
    } else if (event.target instanceof HTMLDialogElement && outside(event)) {
      event.target.close();
    }
  });

  function outside(event) {
    const box = event.target.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    return x < box.left || x > box.right || y < box.top || y > box.bottom;
  }

  // The tab that is open is in sight, where a narrow screen shows a part of them.
  const here = document.querySelector(".tabs a[aria-current]");
  const tabs = here?.closest(".tabs");
  if (tabs) {
    tabs.scrollLeft += here.getBoundingClientRect().right - tabs.getBoundingClientRect().right + 16;
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    const before = button.textContent;
    let timer = 0;
    button.addEventListener("click", async function () {
      const text = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(text.dataset.text || text.value || text.textContent.trim());
        say(button, "Copied");
      } catch (error) {
        say(button, "Select and copy it");
      }
      window.clearTimeout(timer);
      timer = window.setTimeout(function () {
        button.textContent = before;
      }, 2500);
    });
  }

  function say(button, words) {
    button.textContent = words;
    const status = document.getElementById("announcement");
    if (status) status.textContent = words;
  }

  // A button that ticks the boxes that it names and unticks the others.
  for (const button of document.querySelectorAll("button[data-ticks]")) {
    button.hidden = false;
    button.addEventListener("click", function () {
      const wanted = button.dataset.ticks.split(" ");
      for (const box of document.querySelectorAll('input[type="checkbox"][name="' + button.dataset.of + '"]')) {
        box.checked = wanted.includes(box.value) || wanted.includes("*");
      }
    });
  }

  // A list is narrowed while somebody types in its search. The address follows, so that going back and forward
  // and loading again show the same; without this script the button does it.
  for (const live of document.querySelectorAll("[data-live]")) {
    const form = live.querySelector("form");
    const field = live.querySelector("input[type=search]");
    let timer = 0;
    let asked = 0;
    field.addEventListener("input", function () {
      window.clearTimeout(timer);
      timer = window.setTimeout(narrow, 250);
    });
    async function narrow() {
      asked += 1;
      const mine = asked;
      const url = new URL(form.action);
      if (field.value.trim()) url.searchParams.set("q", field.value.trim());
      try {
        const answer = await fetch(url);
        if (!answer.ok || answer.redirected) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const [there, here] = [page.getElementById("found"), document.getElementById("found")];
        // An answer that comes late is of what nobody looks for any more.
        if (mine !== asked || !there || !here) return;
        here.replaceWith(there);
        window.history.replaceState(null, "", url);
        const status = document.getElementById("announcement");
        const count = there.querySelectorAll(".choose li, tbody tr").length;
        if (status) status.textContent = count === 1 ? "1 found" : count + " found";
      } catch (error) {
        // Offline: the button tells.
      }
    }
  }

  // A form is sent once, however often somebody presses.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    // What only asks for a page or a file may be asked again.
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
})();
