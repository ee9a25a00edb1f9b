// Refuses a file that is too large before it is sent, and goes on with an import that is not done yet. Without
// JavaScript the server refuses the file, and there is a button to go on.
(() => {
  const file = document.querySelector("input[data-max]");
  if (file) {
    const fault = document.getElementById(file.dataset.fault);
    const check = () => {
      const tooLarge = file.files.length > 0 && file.files[0].size > Number(file.dataset.max);
      fault.textContent = tooLarge ? file.dataset.text : "";
      return tooLarge;
    };
    file.addEventListener("change", check);
    file.form.addEventListener("submit", (event) => {
      if (check()) {
        event.preventDefault();
        file.focus();
      }
    });
  }
  const next = document.querySelector("form[data-continue]");
  // Only as the answer to a press: a page that was saved sends nothing by itself.
  if (next && next.action === location.href.split(/[?#]/)[0]) next.requestSubmit();
})();
