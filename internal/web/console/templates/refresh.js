// Brings the parts of the page that are marked up to date: every half a minute while somebody may be looking, and when
// they look again. Without JavaScript the page is as fresh as when it was opened.
(() => {
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname);
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-refresh]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
      }
    } catch {
      // the next time
    }
  };
  setInterval(refresh, 30000);
  document.addEventListener("visibilitychange", refresh);
})();
