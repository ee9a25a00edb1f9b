// Copies the addresses. Without JavaScript they are marked and copied by hand.
(() => {
  const button = document.querySelector("[data-copy]");
  const copied = document.querySelector("[data-copied]");
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.value);
      copied.textContent = copied.dataset.copied;
    } catch {
      text.select();
    }
  });
})();
