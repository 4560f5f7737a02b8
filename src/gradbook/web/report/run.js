// A click on a number of the confusion matrix shows only the mistakes that it counts.
{
  const cards = document.getElementById("cards");
  const only = document.querySelector(".only");

  function show(kind, words) {
    let count = 0;
    cards.querySelectorAll("li").forEach((card) => {
      card.hidden = kind !== null && card.dataset.kind !== kind;
      count += !card.hidden;
    });
    only.hidden = kind === null;
    only.querySelector("span").textContent = words;
    return count;
  }

  document.querySelectorAll(".confusion a").forEach((link) => {
    link.addEventListener("click", (event) => {
      if (!show(link.hash.slice(1), link.title)) {
        show(null, "");
        return;
      }
      event.preventDefault();
      document.getElementById("misread").scrollIntoView();
    });
  });
  only?.querySelector("button").addEventListener("click", () => show(null, ""));
}
