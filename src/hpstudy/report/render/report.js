// Tables are sorted by a click on a column's head: numbers by their value, texts by the alphabet, gaps last.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.querySelectorAll("th")];
  heads.forEach((head, place) => head.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => {
      const cell = row.cells[place];
      if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
      return cell.textContent === "–" ? null : cell.textContent;
    };
    const order = (one, other) => {
      const [a, b] = [key(one), key(other)];
      if (a === null || b === null) return (a === null) - (b === null);
      const less = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
      return down ? -less : less;
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(order));
  }));
}

// A table that is wider than the page says so, besides its shadow.
const measure = () => {
  for (const box of document.querySelectorAll(".scroll")) {
    box.nextElementSibling.hidden = box.scrollWidth <= box.clientWidth + 2;
  }
};
measure();
addEventListener("resize", measure);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));

// Every figure can be saved, on white: as drawn (SVG), or as a picture (PNG), which has twice as many dots.
const SCALE = 3; // a figure is then about as wide as a slide
const alone = (figure) => {
  const old = figure.querySelector("svg");
  const svg = old.cloneNode(true);
  const [left, top, width, height] = old.getAttribute("viewBox").split(" ").map(Number);
  const labels = [...figure.querySelectorAll(".legend span")];
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("xmlns:xlink", "http://www.w3.org/1999/xlink");
  const whole = height + 14 * labels.length;
  svg.setAttribute("viewBox", [left, top, width, whole].join(" "));
  svg.setAttribute("width", SCALE * width);
  svg.setAttribute("height", SCALE * whole);
  svg.setAttribute("style", "color:#1b1f24;--line:#d4dae0;background:#fff;font-family:sans-serif");
  const add = (name, values, text) => {
    const part = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(values)) part.setAttribute(key, value);
    if (text) part.textContent = text;
    svg.append(part);
  };
  labels.forEach((label, place) => {
    const y = top + height + 14 * place;
    add("rect", { x: left + 6, y: y + 2, width: 9, height: 9, fill: label.querySelector("i").style.background });
    add("text", { x: left + 20, y: y + 10, "font-size": 9, fill: "currentColor" }, label.textContent);
  });
  return svg;
};
const save = (address, name) => Object.assign(document.createElement("a"), { href: address, download: name }).click();
for (const figure of document.querySelectorAll(".figures figure")) {
  const title = figure.querySelector("[role=img]").getAttribute("aria-label");
  const name = title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase();
  const bar = document.createElement("div");
  bar.className = "save";
  for (const form of ["svg", "png"]) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: form.toUpperCase() });
    button.setAttribute("aria-label", `${form.toUpperCase()}: ${title}`);
    button.addEventListener("click", () => {
      const svg = alone(figure);
      const address = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
      if (form === "svg") return save(address, `${name}.svg`);
      const image = new Image();
      image.onload = () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 2 * image.width, height: 2 * image.height });
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        save(canvas.toDataURL("image/png"), `${name}.png`);
      };
      image.src = address;
    });
    bar.append(button);
  }
  figure.append(bar);
}
