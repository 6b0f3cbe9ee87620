// Asks for the panel again until nothing can change any more: soon at first, then less often, and at once when
// somebody comes back to the page.
(function () {
  "use strict";

  const SOON_MS = 2000;
  const LATER_MS = 10000;
  const SOON_LOOKS = 30;

  let panel = document.getElementById("panel");
  let looks = 0;
  let timer = 0;

  function wait() {
    window.clearTimeout(timer);
    if (panel.hasAttribute("data-final") || document.hidden) return;
    timer = window.setTimeout(look, looks < SOON_LOOKS ? SOON_MS : LATER_MS);
  }

  async function look() {
    looks += 1;
    try {
      const response = await fetch(panel.dataset.url, { cache: "no-store" });
      if (response.ok) {
        show(await response.text());
      } else if (response.status === 410) {
        // The time for looking is over; the page says so itself.
        window.location.reload();
        return;
      }
    } catch (error) {
      // Offline: the next look may be luckier.
    }
    wait();
  }

  function show(text) {
    const next = new DOMParser().parseFromString(text, "text/html").getElementById("panel");
    if (!next || next.dataset.state === panel.dataset.state) return;
    const focused = panel.contains(document.activeElement);
    panel.replaceWith(next);
    panel = next;
    const title = document.getElementById("panel-title");
    document.getElementById("announcement").textContent = title.textContent;
    if (focused) title.focus();
  }

  document.addEventListener("visibilitychange", function () {
    if (!document.hidden && !panel.hasAttribute("data-final")) look();
  });
  wait();
})();
