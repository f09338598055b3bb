/* The filter of a list of questions: shows the rows that match, and says how many. */
for (const form of document.querySelectorAll("form.dl-filter")) {
  const rows = [...document.querySelectorAll(".dl-topic .dl-list > li")];
  const show = () => {
    const words = form.elements.find.value.toLowerCase().split(/\s+/);
    const topic = form.elements.topic.value;
    const statuses = [...form.querySelectorAll(":checked[name=status]")].map((box) => box.value);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        !words.every((word) => text.includes(word)) ||
        (topic && row.closest(".dl-topic").dataset.topic !== topic) ||
        (statuses.length && !statuses.includes(row.dataset.status));
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
