// Keeps the preview up to date while the form is filled in: it asks for it as the button does, half a second after the
// last change. Without JavaScript the button shows it.
(() => {
  const form = document.querySelector("form.event-form");
  let timer, request;
  const show = async () => {
    request?.abort();
    request = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set("step", "preview");
    try {
      const answer = await fetch(form.action, { method: "POST", body, signal: request.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const preview = document.getElementById("preview"), fresh = page.getElementById("preview");
      if (!fresh) return; // signed out, say
      const frames = fresh.querySelectorAll("iframe");
      if (!frames.length || !preview.querySelector("iframe")) return preview.replaceChildren(...fresh.childNodes);
      for (const frame of frames) { // only those that differ: another one is read, or scrolled
        const shown = document.getElementById(frame.id);
        if (shown.srcdoc !== frame.srcdoc) shown.srcdoc = frame.srcdoc;
      }
      preview.querySelector(".note").replaceWith(fresh.querySelector(".note"));
    } catch {
      // the next time
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 500);
  });
})();
