// On a wide screen the picture of the live page gives way to the page itself; without JavaScript, on a phone and
// on paper the picture stays, and leads there.
const stage = document.querySelector(".stage")
if (stage && matchMedia("(min-width: 60em)").matches) {
  const live = document.createElement("iframe")
  Object.assign(live, { src: stage.href, title: stage.dataset.title })
  stage.after(live)
}
