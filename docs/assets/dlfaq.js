/* The filter of a list: shows the rows that match, and says how many. */
for (const form of document.querySelectorAll("form.dl-filter:has([name=find])")) {
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
      const text = `${row.textContent} ${row.dataset.asked ?? ""}`.toLowerCase();
      row.hidden =
        !words.every((word) => text.includes(word)) ||
        !["topic", "status", "kind"].every((name) => fits(row, name));
      shown += !row.hidden;
    }
    for (const section of document.querySelectorAll(".dl-topic"))
      section.hidden = !section.querySelector("li:not([hidden])");
    form.querySelector("output").value = `${shown} of ${rows.length}`;
    form.querySelector(".dl-none").hidden = shown > 0;
    const search = form.querySelector(".dl-none a");
    if (search) search.search = new URLSearchParams({ q: form.elements.find.value });
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show(); // a browser keeps what was typed when it goes back
}

/* The thin lines behind a mean are its runs, though a page names the mean alone: those of its colour,
   in its axes, where no other state has that colour. */
const nameRuns = (svg) => {
  const look = (path) => `${path.style.stroke} ${path.getAttribute("clip-path")}`;
  const means = new Map();
  for (const mean of svg.querySelectorAll("[data-state]"))
    for (const path of mean.querySelectorAll(":scope > path")) {
      const other = means.get(look(path));
      means.set(look(path), !other || other.value === mean.dataset.value ? mean.dataset : {});
    }
  for (const path of svg.querySelectorAll(":scope > path"))
    if (path.style.strokeOpacity && path.style.strokeOpacity < 1)
      Object.assign(path.dataset, means.get(look(path)));
};

/* A slider over the measured states of a figure: marks what shows the chosen one, at both widths,
   and draws it in front. At its first place no state is marked, so that all are seen alike. */
for (const svg of document.querySelectorAll(".dl-slider ~ .dl-fig svg")) nameRuns(svg);
for (const slider of document.querySelectorAll(".dl-slider input")) {
  const plate = slider.closest(".dl-plate");
  const drawings = [...plate.querySelectorAll(".dl-fig svg")].map((svg) => {
    const shown = [...svg.querySelectorAll("[data-state]")].filter(
      (node) => node.dataset.state === slider.dataset.sweep,
    );
    // What was moved to the front goes back to its own place behind a mark.
    const places = new Map(shown.map((node) => [node, new Comment()]));
    places.forEach((place, node) => node.before(place));
    const front = new Comment();
    shown.at(-1)?.after(front);
    return { places, front };
  });
  const move = () => {
    const { label, dataset } = slider.list.options[slider.valueAsNumber];
    for (const { places, front } of drawings)
      for (const [node, place] of places) {
        const chosen = node.dataset.value === dataset.value;
        if (chosen) front.before(node);
        else if (node.dataset.chosen === "true") place.after(node);
        if (dataset.value === undefined) delete node.dataset.chosen;
        else node.dataset.chosen = chosen;
      }
    slider.setAttribute("aria-valuetext", label);
    slider.closest(".dl-slider").querySelector("output").value = label;
  };
  slider.addEventListener("input", move);
  move(); // a browser may keep the place when it goes back
}

/* Copies all code of a page, which its script holds, also what the page does not show. Where that
   cannot be read, as from a folder, the link to the script does what it says. */
for (const script of document.querySelectorAll(".dl-links a[href$='.py']")) {
  if (!navigator.clipboard?.write) continue;
  const button = document.createElement("button");
  const say = (words) => (button.textContent = words);
  say("Copy all code");
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const text = fetch(script.href).then((response) => response.blob());
    const plain = text.then((found) => new Blob([found], { type: "text/plain" }));
    try {
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": plain })]);
      say("Copied");
    } catch {
      script.click();
    }
    setTimeout(say, 2000, "Copy all code");
  });
  script.before(button);
}

/* A question, in the words that find its page. Material looks for words that begin with what was
   typed: it finds rare words that begin with "in", no word that is spelt wrong, and no "initialise"
   for "initialization". So the words that say nothing go, and of each other the word itself counts
   most, then what shares its stem, then what is one letter off. Operators are read as spaces; what
   stands in quotes is left to Material. */
const DULL = new Set(
  (
    "a about after all also always am an and any are as at be because been before but by can cannot " +
    "could did do does doing each ever every for from get gets give had has have how i if in instead " +
    "into is isn it its just may me might must my need no not of on one or our out over shall should " +
    "so some still than that the their them then there these they this those to too up us use used " +
    "very was we were what when where which while who why will with would you your"
  ).split(" "),
);
const ENDING =
  /(?:i[sz](?:ations?|e[ds]?|ing|ers?)|ations?|at(?:ing|e[ds]?|ors?)|ings?|e[drs]?|ers|s|ly|ions?)$/;
const inWordsThatFind = (query) => {
  if (query.includes('"')) return query;
  const words = query
    .toLowerCase()
    .replace(/\blr\b/g, "learning rate")
    .match(/\d+\.\d+|[\p{L}\p{N}]+/gu);
  if (!words) return "";
  const telling = words.filter((word) => !DULL.has(word));
  return (telling.length ? telling : words)
    .flatMap((word, place, all) => {
      const stem = word.replace(ENDING, "");
      const typing = place === all.length - 1 && word.length > 1; // it may be the start of a word
      return [
        `${word}^10`,
        (word.length > 3 || typing) && `${stem.length > 2 ? stem : word}*^3`,
        word.length > 5 && `${word}~1^1`,
      ];
    })
    .filter(Boolean)
    .join(" ");
};
/* Messages of type 2 ask Material's worker; Zensical's search has no such field. */
if (document.querySelector(".md-search__input")) {
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, ...others) {
    const asks = message?.type === 2 && typeof message.data === "string";
    const data = asks ? inWordsThatFind(message.data) : message?.data;
    return postMessage.call(this, asks ? { ...message, data } : message, ...others);
  };
}

/* Material's search is a dialog without a name. */
document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
