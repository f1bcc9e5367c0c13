"use strict";
(function () {
  const bar = document.getElementById("filter");
  const cards = Array.from(document.querySelectorAll("details.finding"));
  const show = (target) => {
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
  };
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { show(target); target.scrollIntoView(); }
  };
  window.addEventListener("hashchange", follow);
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    closed.forEach((node) => { node.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((node) => { node.open = false; }));
  if (bar && cards.length) {
    const text = document.getElementById("filter-text");
    const code = document.getElementById("filter-code");
    const boxes = Array.from(bar.querySelectorAll("input[type=checkbox]"));
    const status = document.getElementById("filter-count");
    const groups = Array.from(document.querySelectorAll("section.group"));
    const haystack = cards.map((card) => card.textContent.toLowerCase());
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      let shown = 0;
      cards.forEach((card, index) => {
        const fits = wanted.has(card.dataset.severity) && (!code.value || card.dataset.code === code.value) &&
          words.every((word) => haystack[index].includes(word));
        card.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      groups.forEach((group) => { group.hidden = !group.querySelector("details.finding:not([hidden])"); });
      status.textContent = shown.toLocaleString("en") + " of " + cards.length.toLocaleString("en") + " on this page";
    };
    const cell = (value) => {
      const plain = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
      return '"' + plain.replace(/"/g, '""') + '"';
    };
    const names = ["id", "code", "severity", "item", "serial", "lot", "supplier", "message"];
    const value = (card, name) => {
      const part = card.querySelector('[data-k="' + name + '"]');
      return name === "id" ? card.id : card.dataset[name] || (part ? part.textContent : "");
    };
    document.getElementById("filter-save").addEventListener("click", () => {
      const rows = cards.filter((card) => !card.hidden).map((card) => names.map((name) => cell(value(card, name))));
      const lines = [names.map(cell)].concat(rows).map((row) => row.join(",")).join("\r\n") + "\r\n";
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff" + lines], { type: "text/csv" }));
      link.download = "findings-shown.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    bar.addEventListener("input", apply);
    bar.addEventListener("submit", (event) => event.preventDefault());
    bar.addEventListener("reset", () => setTimeout(apply));
    bar.hidden = false;
    apply();
  }
  follow();
})();
