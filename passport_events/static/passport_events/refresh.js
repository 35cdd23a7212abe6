// Keeps the progress of an action fresh, and what becomes of its messages. Without it the page is only older than it could be.
"use strict";

(function () {
  const EVERY = 2000; // milliseconds
  const ID = "passport-progress";

  async function look() {
    const shown = document.getElementById(ID);
    if (!shown || !shown.hasAttribute("data-running")) return;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(ID);
      // Who is about to press a button keeps it.
      if (answer.ok && fresh && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
    } catch {
      // Away for a moment: the next look may find it.
    }
    setTimeout(look, EVERY);
  }

  setTimeout(look, EVERY);
})();
