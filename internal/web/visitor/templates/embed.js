// Puts the sign-up form of an event where its script element stands, as high as its content:
// <script src="https://…/embed.js" data-event="samskabelse"></script>
(function () {
  var script = document.currentScript;
  var form = new URL("/e/" + encodeURIComponent(script.dataset.event) + "/embed", script.src);
  var frame = document.createElement("iframe");
  var loads = 0, isNewPage = false;
  frame.title = "Deltag";
  frame.style.cssText = "display: block; width: 100%; height: 40rem; border: 0";
  frame.addEventListener("load", function () {
    isNewPage = ++loads > 1;
    frame.contentWindow.postMessage("deltag:measure", form.origin);
  });
  window.addEventListener("message", function (event) {
    var page = event.data;
    if (event.source !== frame.contentWindow || event.origin !== form.origin || !page || page.type !== "deltag:page") return;
    frame.title = String(page.title);
    frame.style.height = Math.max(0, Number(page.height)) + "px";
    if (isNewPage) frame.scrollIntoView(); // where a submit leads to is a page of its own, and begins at the top
    isNewPage = false;
  });
  frame.src = form.href;
  script.after(frame);
})();
