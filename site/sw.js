// Keeps the page for when there is no network; while there is one, it is always the latest.

const KEPT = "gradbook-play"

addEventListener("install", event => event.waitUntil(caches.open(KEPT).then(kept => kept.add("./"))))
addEventListener("fetch", event => {
  if (event.request.method !== "GET") return
  const latest = fetch(event.request).then(async found => {
    if (found.ok) (await caches.open(KEPT)).put(event.request, found.clone())
    return found
  })
  event.respondWith(latest.catch(() => caches.match(event.request, { ignoreSearch: true })))
})
