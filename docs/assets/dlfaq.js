/* The filter of a list: shows the rows that match, and says how many. */
for (const form of document.querySelectorAll("form.dl-filter")) {
  const rows = [...document.querySelectorAll(".dl-topic .dl-list > li, .dl-ev tbody > tr")];
  const show = () => {
    const words = form.elements.find.value.toLowerCase().split(/\s+/);
    const chosen = new FormData(form);
    // A row has what it is as data-topic, data-status, data-kind, or stands in something that has.
    const fits = (row, name) => {
      const wanted = chosen.getAll(name).filter(Boolean);
      return !wanted.length || wanted.includes(row.closest(`[data-${name}]`).dataset[name]);
    };
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        !words.every((word) => text.includes(word)) ||
        !["topic", "status", "kind"].every((name) => fits(row, name));
      shown += !row.hidden;
    }
    for (const section of document.querySelectorAll(".dl-topic"))
      section.hidden = !section.querySelector("li:not([hidden])");
    form.querySelector("output").value = `${shown} of ${rows.length}`;
    form.querySelector(".dl-none").hidden = shown > 0;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show(); // a browser keeps what was typed when it goes back
}

/* Material's search is a dialog without a name. */
document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
