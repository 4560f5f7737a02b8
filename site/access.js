// What the theme leaves out for people without a mouse or a screen: parts that scroll can be reached by
// keyboard, and the copy buttons beside code have names of their own.
const complete = () => {
  document.querySelectorAll(".md-code__nav:not([aria-label])").forEach(nav =>
    nav.setAttribute("aria-label", `Copy block ${[...document.querySelectorAll(".md-code__nav")].indexOf(nav) + 1}`));
  for (const part of document.querySelectorAll("pre > code, .md-typeset__scrollwrap, math[display=block]"))
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
};
new MutationObserver(complete).observe(document.documentElement, { childList: true, subtree: true });
addEventListener("resize", complete);
addEventListener("load", complete);
