"use strict";
// The table of a class: searched, filtered by verdict, sorted by any column. The parts of books
// below follow it, and a link to one opens it.
{
  const table = document.querySelector("table.books");
  const tools = document.querySelector(".tools");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const place = (word) => heads.findIndex((head) => head.textContent === word);
  const [verdicts, marks, points] = ["verdict", "gradients", "points"].map(place);
  const order = ["unreadable", "wrong", "frozen", "unfinished", "right", "no network"];
  const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
  const rows = [...body.rows].map((row, number) => ({
    row,
    number,
    part: document.getElementById(row.querySelector("a")?.hash.slice(1) ?? ""),
    verdict: row.cells[verdicts].textContent,
    said: row.textContent.toLowerCase(),
    keys: heads.map((_, k) => key(row.cells[k].textContent, k)),
  }));

  // Numbers are compared as numbers, and what has none comes last.
  function key(words, column) {
    if (column === verdicts) return order.indexOf(words);
    if (column === points) return words ? Number(words) : Infinity;
    if (column !== marks) return words;
    const [right, of] = words.replaceAll(",", "").split(" of ").map(Number.parseFloat);
    return of ? right / of : Infinity;
  }

  function sort(column) {
    const down = heads[column].ariaSort !== "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].ariaSort = down ? "ascending" : "descending";
    rows.sort((a, b) => {
      const [one, other] = [a.keys[column], b.keys[column]];
      if (one === other) return a.number - b.number;
      if (one === Infinity || other === Infinity) return one === Infinity ? 1 : -1;
      const found = typeof one === "number" ? one - other : compare(one, other);
      return down ? found : -found;
    });
    body.append(...rows.map(({ row }) => row));
  }

  function filter() {
    const words = tools.querySelector("input").value.toLowerCase().split(/\s+/);
    const chosen = [...tools.querySelectorAll("[aria-pressed=true]")].map((chip) => chip.value);
    let count = 0;
    rows.forEach(({ row, part, verdict, said }) => {
      const meant = !chosen.length || chosen.includes(verdict);
      row.hidden = !(meant && words.every((word) => said.includes(word)));
      if (part) part.hidden = row.hidden;
      count += !row.hidden;
    });
    tools.querySelector("output").textContent = `${count} of ${rows.length}`;
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  if (tools) {
    tools.hidden = false;
    tools.querySelector("input").addEventListener("input", filter);
    tools.querySelectorAll("button").forEach((chip) =>
      chip.addEventListener("click", () => {
        chip.ariaPressed = chip.ariaPressed !== "true";
        filter();
      }),
    );
    filter();
  }

  function open() {
    const part = document.getElementById(location.hash.slice(1));
    if (part?.matches("details")) {
      part.open = true;
      part.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", open);
  open();
  window.addEventListener("beforeprint", () => rows.forEach(({ part }) => part && (part.open = true)));
}
