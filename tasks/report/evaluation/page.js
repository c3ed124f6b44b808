// Plays a segment in the page's one player; without this script the link opens the file there. Unfolds all for printing.
(() => {
  const player = document.querySelector(".player video");
  let end = Infinity;
  if (player) {
    player.addEventListener("loadedmetadata", () => player.classList.toggle("sound", !player.videoWidth));
    player.addEventListener("timeupdate", () => { if (player.currentTime >= end) { end = Infinity; player.pause(); } });
    for (const link of document.querySelectorAll("a.play")) {
      link.setAttribute("role", "button");
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const [file] = link.href.split("#");
        if (player.src !== file) player.src = file;
        player.parentElement.hidden = false;
        player.currentTime = Number(link.dataset.start);
        end = Number(link.dataset.end);
        // A browser may refuse to start by itself; the player's own button is there then.
        player.play().catch(() => {});
        document.querySelector("tr.playing")?.classList.remove("playing");
        link.closest("tr").classList.add("playing");
      });
    }
  }
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of folded) each.open = false; });
})();
