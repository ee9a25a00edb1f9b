(function () {
  var clock = document.getElementById("clock");
  var opens = Date.now() + Number(clock.dataset.left);
  function two(n) { return n < 10 ? "0" + n : n; }
  function tick() {
    var left = Math.max(0, Math.ceil((opens - Date.now()) / 1000));
    clock.textContent = Math.floor(left / 3600) + ":" + two(Math.floor(left / 60) % 60) + ":" + two(left % 60);
    clock.hidden = left > 86400;
    if (left > 0) return;
    clearInterval(timer);
    setTimeout(function () { location.replace(document.getElementById("reload").href); }, 500 + Math.random() * 3000);
  }
  var timer = setInterval(tick, 1000);
  document.getElementById("by-itself").hidden = false;
  tick();
})();
