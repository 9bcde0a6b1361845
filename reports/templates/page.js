(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const form = document.querySelector(".find");
  const sought = form.elements;
  const said = form.querySelector("output");
  const NOUNS = { failure: ["failure", "failures"], expected: ["expected failure", "expected failures"], clause: ["clause", "clauses"] };

  // What can be found. A clause has the verdicts of every engine, a failure its own.
  const label = member => (member.querySelector("a") ?? member.firstChild).textContent.trim();
  const outcomes = entry => entry.dataset.verdict
    ? [[entry.dataset.engine, entry.dataset.verdict]]
    : all("[data-verdict]", entry).flatMap(group => all(".member", group).map(member => [label(member), group.dataset.verdict]));
  const entries = all("[data-entry]").map(element => ({
    element,
    kind: element.dataset.entry,
    level: element.dataset.level,
    chapter: element.closest("[data-chapter]").dataset.chapter,
    outcomes: outcomes(element),
    text: `${element.dataset.engine ?? ""} ${element.textContent}`.toLowerCase(),
    handle: element.querySelector("summary, a.self"),
  }));
  const groups = all("[data-group]").map(element => ({ element, within: entries.filter(entry => element.contains(entry.element)) }));

  const active = () => all("input, select", form).some(field => field.value);
  const hits = () => entries.filter(entry => !entry.element.hidden);
  const is = (field, value) => !field.value || field.value === value;

  function matches(entry, words) {
    return is(sought.level, entry.level) && is(sought.chapter, entry.chapter)
      && entry.outcomes.some(([engine, verdict]) => is(sought.engine, engine) && is(sought.verdict, verdict))
      && words.every(word => entry.text.includes(word));
  }

  function say(found) {
    const counts = Object.entries(NOUNS).map(([kind, nouns]) => [found.filter(entry => entry.kind === kind).length, nouns]);
    const parts = counts.filter(([count]) => count).map(([count, [one, many]]) => `${count} ${count === 1 ? one : many}`);
    said.textContent = active() ? parts.join(", ") || "nothing found" : "";
  }

  // What is folded opens for the search, and is as it was after it.
  function fold({ element, within }) {
    const found = within.filter(entry => !entry.element.hidden).length;
    element.hidden = active() && !found;
    const count = element.querySelector(":scope > h3 .count, :scope > summary .count");
    if (count) count.dataset.hits = active() ? `, ${found} found` : "";
    if (active()) {
      element.dataset.before ??= String(element.open);
      element.open = true;
    } else if (element.dataset.before) {
      element.open = element.dataset.before === "true";
      delete element.dataset.before;
    }
  }

  function show() {
    const words = sought.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const entry of entries) entry.element.hidden = active() && !matches(entry, words);
    for (const group of groups) fold(group);
    say(hits());
  }

  function clear() {
    form.reset();
    show();
  }

  function step(by) {
    const handles = hits().map(entry => entry.handle);
    const at = handles.indexOf(document.activeElement) + by;
    reach(at < 0 ? sought.text : handles[Math.min(at, handles.length - 1)]);
  }

  // At once: a hit that is still on its way is not yet seen.
  function reach(handle) {
    handle?.focus({ preventScroll: true });
    handle?.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  form.hidden = false;
  form.addEventListener("input", () => {
    show();
    form.parentElement.scrollIntoView({ behavior: "instant" });
  });
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", event => {
    event.preventDefault();
    reach(hits()[0]?.handle);
  });

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const amongHits = event.target === sought.text || hits().some(entry => entry.handle === event.target);
    if (event.key === "/" && event.target !== sought.text) {
      sought.text.focus();
      sought.text.select();
    } else if (event.key === "Escape" && (active() || form.contains(event.target))) {
      clear();
      sought.text.focus();
    } else if (by && active() && amongHits) step(by);
    else return;
    event.preventDefault();
  });

  // A link leads to its target also where the search has hidden it.
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#"]');
    if (link && document.getElementById(link.hash.slice(1))?.closest("[hidden]")) clear();
  });

  for (const sample of all(".sample")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.addEventListener("click", () => copy(button, sample.querySelector("pre")));
    sample.append(button);
  }

  async function copy(button, pre) {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(pre.textContent);
    } catch {
      getSelection().selectAllChildren(pre);
      done = "Selected";
    }
    button.textContent = done;
    document.getElementById("copied").textContent = `${done} the text`;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }
})();
