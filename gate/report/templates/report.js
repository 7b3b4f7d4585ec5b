// Search and copy; without scripts everything is there to read.
for (const box of document.querySelectorAll("[data-search]")) {
  box.hidden = false;
  const words = box.querySelector("input"), outcome = box.querySelector("select");
  const filter = () => {
    const text = words.value.toLowerCase(), wanted = outcome.value;
    for (const family of document.querySelectorAll("details.family")) {
      let shown = 0;
      for (const row of family.querySelectorAll("tr[data-outcome]")) {
        const hit = row.textContent.toLowerCase().includes(text) && (!wanted || row.dataset.outcome === wanted);
        row.hidden = !hit;
        shown += hit;
      }
      family.hidden = !shown;
      family.open = Boolean(text || wanted) && shown > 0;
    }
  };
  words.addEventListener("input", filter);
  outcome.addEventListener("change", filter);
}
for (const pre of document.querySelectorAll("pre[aria-label^=Command]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  const select = () => { getSelection().selectAllChildren(pre); button.textContent = "Selected: copy it with the keyboard"; };
  button.addEventListener("click", () => {
    if (!navigator.clipboard) return select(); // a page over plain HTTP has no clipboard
    navigator.clipboard.writeText(pre.textContent).then(() => { button.textContent = "Copied"; }, select);
  });
  pre.after(button);
}
addEventListener("hashchange", () => {
  for (let at = document.getElementById(location.hash.slice(1)); at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
});
