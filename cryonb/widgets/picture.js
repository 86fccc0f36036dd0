// Shows a PNG, reports how much room there is for it, and reads its curves off under a crosshair.

const SVG = "http://www.w3.org/2000/svg";
const NEWS = 8; // pixels by which the room must change to be reported
const PATIENCE = 150; // milliseconds without another change before it is

function made(kind, classes, parent) {
  const element = document.createElement(kind);
  element.className = classes;
  parent.append(element);
  return element;
}

// Reports the width of the column; a column that is hidden has none.
function watchRoom(model, el) {
  let timer = 0;
  const report = () => {
    const width = el.clientWidth;
    if (width <= 0 || Math.abs(width - model.get("room")) < NEWS) return;
    model.set("room", width);
    model.save_changes();
  };
  const watcher = new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(report, model.get("room") > 0 ? PATIENCE : 0);
  });
  watcher.observe(el);
  return () => {
    clearTimeout(timer);
    watcher.disconnect();
  };
}

// Puts the latest pixels into the image; one that was asked for later wins.
function showPixels(model, image, stage) {
  const bytes = model.get("png");
  if (!bytes || !bytes.byteLength) return;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  URL.revokeObjectURL(image.src); // of one that was not there yet
  image.onload = () => {
    URL.revokeObjectURL(url);
    stage.dataset.painted = String(Number(stage.dataset.painted || 0) + 1);
  };
  image.src = url;
}

const nearest = (values, wanted) =>
  values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0);

const resolutionOf = (panel, x) => (x <= 0 ? Infinity : panel.top === "inverse_square" ? 1 / Math.sqrt(x) : 1 / x);

function shellsOf(panel) {
  const inside = panel.curves.flatMap((curve) => curve.x).filter((x) => x >= panel.x[0] && x <= panel.x[1]);
  return [...new Set(inside)].sort((one, other) => one - other);
}

// The curves' values at the shell next to x; a curve that has none there says so.
function valuesAt(panel, x) {
  return panel.curves.map((curve) => {
    const index = nearest(curve.x, x);
    const step = curve.x.length > 1 ? Math.abs(curve.x[1] - curve.x[0]) : Infinity;
    const value = Math.abs(curve.x[index] - x) <= 0.51 * step ? curve.y[index] : null;
    return { label: curve.label, colour: curve.colour, value };
  });
}

const number = (value, digits) => value.toFixed(digits).replace("-", "−");

function titleOf(panel, x) {
  const resolution = resolutionOf(panel, x);
  const length = Number.isFinite(resolution) ? `${number(resolution, resolution < 100 ? 2 : 0)} Å` : "∞ Å";
  const unit = panel.top === "inverse_square" ? "1/Å²" : "1/Å";
  return [length, `${number(x, 4)} ${unit}`];
}

class Crosshair {
  constructor(model, stage) {
    this.model = model;
    this.stage = stage;
    this.lines = document.createElementNS(SVG, "svg");
    this.lines.setAttribute("class", "cryonb-crosshair");
    this.lines.setAttribute("aria-hidden", "true");
    stage.append(this.lines);
    this.box = made("div", "cryonb-reading", stage);
    this.box.setAttribute("aria-live", "polite");
    this.handle = made("div", "cryonb-handle", stage);
    this.handle.setAttribute("role", "slider");
    this.panel = 0;
    this.shell = -1;
    this.handle.addEventListener("pointermove", (event) => this.follow(event));
    this.handle.addEventListener("pointerleave", () => this.hide());
    this.handle.addEventListener("keydown", (event) => this.press(event));
    this.handle.addEventListener("blur", () => this.hide());
    this.refresh();
  }

  // Takes over the numbers of another drawing; a crosshair that is in view stays where it is.
  refresh() {
    this.panels = this.model.get("panels");
    this.shells = this.panels.map(shellsOf);
    this.handle.hidden = !this.panels.length;
    this.handle.tabIndex = this.panels.length ? 0 : -1;
    this.handle.setAttribute("aria-label", "Read the curves: arrow keys move from shell to shell and panel to panel");
    if (this.panel >= this.panels.length) this.panel = 0;
    if (this.shell >= 0 && this.panels.length) this.show(Math.min(this.shell, this.shells[this.panel].length - 1));
    else this.hide();
  }

  follow(event) {
    const frame = this.stage.getBoundingClientRect();
    const across = (event.clientX - frame.left) / frame.width;
    const down = (event.clientY - frame.top) / frame.height;
    const hit = this.panels.findIndex(({ box: [left, top, width, height] }) =>
      across >= left && across <= left + width && down >= top && down <= top + height);
    if (hit < 0) return this.hide();
    this.panel = hit;
    const { box: [left, , width], x: [low, high] } = this.panels[hit];
    this.show(nearest(this.shells[hit], low + ((across - left) / width) * (high - low)));
  }

  press(event) {
    const last = this.shells[this.panel].length - 1;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };
    const turns = { ArrowUp: -1, ArrowDown: 1 };
    let shell = this.shell;
    if (event.key in steps) shell = shell < 0 ? Math.round(last / 2) : shell + steps[event.key];
    else if (event.key === "Home") shell = 0;
    else if (event.key === "End") shell = last;
    else if (event.key in turns) {
      const x = shell < 0 ? 0 : this.shells[this.panel][shell];
      this.panel = Math.min(Math.max(this.panel + turns[event.key], 0), this.panels.length - 1);
      shell = nearest(this.shells[this.panel], x);
    } else {
      if (event.key === "Escape") this.hide();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.show(Math.min(Math.max(shell, 0), this.shells[this.panel].length - 1));
  }

  show(shell) {
    this.shell = shell;
    const panel = this.panels[this.panel];
    const x = this.shells[this.panel][shell];
    const values = valuesAt(panel, x);
    const [resolution, frequency] = titleOf(panel, x);
    this.draw(panel, x, values);
    this.write(panel, resolution, frequency, values);
    this.handle.setAttribute("aria-valuemin", String(panel.x[0]));
    this.handle.setAttribute("aria-valuemax", String(panel.x[1]));
    this.handle.setAttribute("aria-valuenow", String(x));
    this.handle.setAttribute("aria-valuetext", resolution);
    this.place(panel, x);
  }

  draw(panel, x, values) {
    const { box: [left, top, width, height], x: [low, high], y: [bottom, up] } = panel;
    const across = 100 * (left + (width * (x - low)) / (high - low));
    this.lines.replaceChildren();
    this.add("line", { x1: `${across}%`, x2: `${across}%`, y1: `${100 * top}%`, y2: `${100 * (top + height)}%` });
    for (const { value, colour } of values) {
      if (value === null || value < bottom || value > up) continue;
      const down = 100 * (top + height * (1 - (value - bottom) / (up - bottom)));
      this.add("circle", { cx: `${across}%`, cy: `${down}%`, r: 4, fill: colour });
    }
  }

  add(kind, attributes) {
    const element = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    this.lines.append(element);
  }

  write(panel, resolution, frequency, values) {
    this.box.replaceChildren();
    const head = made("div", "cryonb-reading-head", this.box);
    made("strong", "", head).textContent = resolution;
    made("span", "", head).textContent = frequency;
    if (panel.title && this.panels.length > 1) made("div", "cryonb-reading-panel", this.box).textContent = panel.title;
    for (const { label, colour, value } of values) {
      const row = made("div", "cryonb-reading-row", this.box);
      made("i", "", row).style.background = colour;
      made("span", "", row).textContent = label;
      made("b", "", row).textContent = value === null ? "–" : number(value, 3);
    }
    this.box.hidden = false;
  }

  // Puts the box beside the crosshair, on the side with more room, and where falling curves leave it free.
  place(panel, x) {
    const { box: [left, top, width, height], x: [low, high] } = panel;
    const across = left + (width * (x - low)) / (high - low);
    const right = across < left + width / 2;
    this.box.style.left = right ? `calc(${100 * across}% + 12px)` : "auto";
    this.box.style.right = right ? "auto" : `calc(${100 * (1 - across)}% + 12px)`;
    this.box.style.top = right ? "auto" : `calc(${100 * top}% + 8px)`;
    this.box.style.bottom = right ? `calc(${100 * (1 - top - height)}% + 8px)` : "auto";
  }

  hide() {
    this.shell = -1;
    this.box.hidden = true;
    this.lines.replaceChildren();
  }
}

let count = 0;

function render({ model, el }) {
  el.classList.add("cryonb-picture");
  const stage = made("div", "cryonb-stage", el);
  const image = made("img", "cryonb-pixels", stage);
  const words = made("div", "cryonb-unseen", stage);
  words.id = `cryonb-words-${(count += 1)}`;
  image.setAttribute("role", "img");
  image.setAttribute("aria-describedby", words.id);
  image.draggable = false;
  const describe = () => {
    image.alt = model.get("alt");
    image.setAttribute("aria-label", model.get("alt"));
    words.textContent = model.get("words");
  };
  const resize = () => {
    const [width, height] = model.get("size");
    stage.style.width = `${width}px`;
    stage.style.aspectRatio = `${width} / ${height}`;
  };
  const paint = () => showPixels(model, image, stage);
  const crosshair = new Crosshair(model, stage);
  const listeners = {
    "change:png": paint,
    "change:size": resize,
    "change:alt": describe,
    "change:words": describe,
    "change:panels": () => crosshair.refresh(),
  };
  for (const [name, listener] of Object.entries(listeners)) model.on(name, listener);
  describe();
  resize();
  paint();
  const forget = watchRoom(model, el);
  return () => {
    forget();
    URL.revokeObjectURL(image.src);
    for (const [name, listener] of Object.entries(listeners)) model.off(name, listener);
  };
}

export default { render };
