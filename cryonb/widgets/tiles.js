// Shows rows of grey images, and tells the kernel how far wheel and arrow keys want to move.

const PATIENCE = 400; // milliseconds after which another step is told though no new images came

function made(kind, classes, parent) {
  const element = document.createElement(kind);
  if (classes) element.className = classes;
  parent.append(element);
  return element;
}

// Collects steps and tells them one message at a time: the next goes out when the images of the last are there.
class Mover {
  constructor(model) {
    this.model = model;
    this.steps = 0;
    this.waits = false;
  }

  by(steps) {
    this.steps += steps;
    if (!this.waits) this.tell();
  }

  tell() {
    const steps = Math.trunc(this.steps);
    if (!steps) return;
    this.steps = 0;
    this.waits = true;
    this.model.send({ steps });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.arrived(), PATIENCE);
  }

  arrived() {
    clearTimeout(this.timer);
    this.waits = false;
    this.tell();
  }
}

const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };

// Only an image that has the focus takes wheel and keys, so that a page can be scrolled past it.
function listen(stage, model, mover) {
  stage.addEventListener("pointerdown", () => stage.focus({ preventScroll: true }));
  stage.addEventListener("wheel", (event) => {
    if (!model.get("can_move") || document.activeElement !== stage || !event.deltaY) return;
    event.preventDefault();
    mover.by(-Math.sign(event.deltaY));
  }, { passive: false });
  stage.addEventListener("keydown", (event) => {
    if (!model.get("can_move") || !(event.key in STEPS)) return;
    event.preventDefault();
    event.stopPropagation();
    mover.by(STEPS[event.key]);
  });
}

function addScale(scale, parent) {
  const line = made("div", "cryonb-scale", parent);
  made("span", "", line).textContent = scale.what;
  made("span", "", line).textContent = scale.low;
  made("i", "", line).setAttribute("aria-hidden", "true");
  made("span", "", line).textContent = scale.high;
}

// One tile; what changes from section to section is put in by the function that it returns.
function addTile(parent, model, mover) {
  const figure = made("figure", "cryonb-tile", parent);
  const caption = made("figcaption", "", figure);
  const [title, note] = [made("b", "", caption), made("span", "", caption)];
  const stage = made("div", "cryonb-tile-stage", figure);
  const image = made("img", "", stage);
  image.draggable = false;
  const bar = made("div", "cryonb-bar", stage);
  const length = made("span", "", bar);
  const foot = made("div", "", figure);
  stage.tabIndex = 0;
  listen(stage, model, mover);
  return (tile, painted) => {
    title.textContent = tile.title;
    note.textContent = tile.note;
    stage.hidden = !tile.png;
    stage.style.width = `${100 * tile.share}%`;
    stage.style.maxWidth = `${tile.most * tile.share}px`;
    bar.hidden = !tile.bar;
    if (tile.bar) {
      bar.style.width = `${100 * tile.bar.share}%`;
      length.textContent = tile.bar.words;
    }
    foot.replaceChildren();
    if (tile.scale) addScale(tile.scale, foot);
    image.alt = [tile.title, tile.note].filter(Boolean).join(", ");
    if (!tile.png) return;
    image.style.aspectRatio = `1 / ${tile.slope}`;
    const url = URL.createObjectURL(new Blob([tile.png], { type: "image/png" }));
    URL.revokeObjectURL(image.src); // of one that was not there yet
    image.onload = () => {
      URL.revokeObjectURL(url);
      painted();
    };
    image.src = url;
  };
}

const HINT = "Click an image, then scroll or press the arrow keys to move through the maps.";

const shapeOf = (rows) => JSON.stringify(rows.map((row) => row.tiles.length));

function render({ model, el }) {
  el.classList.add("cryonb-tiles");
  const mover = new Mover(model);
  let [shape, fillers, scales, hint] = ["", [], [], null];
  const painted = () => (el.dataset.painted = String(Number(el.dataset.painted || 0) + 1));
  const build = (rows) => {
    el.replaceChildren();
    hint = made("p", "cryonb-tiles-hint", el);
    hint.textContent = HINT;
    fillers = [];
    scales = [];
    for (const row of rows) {
      const grid = made("div", "cryonb-tiles-row", el);
      const most = Math.max(...row.tiles.map((tile) => tile.most), 1);
      grid.style.gridTemplateColumns = `repeat(${row.tiles.length}, minmax(0, ${most}px))`;
      fillers.push(row.tiles.map(() => addTile(grid, model, mover)));
      scales.push(made("div", "", el));
    }
    shape = shapeOf(rows);
  };
  const show = () => {
    const rows = model.get("rows");
    if (shapeOf(rows) !== shape) build(rows);
    rows.forEach((row, index) => {
      row.tiles.forEach((tile, place) => fillers[index][place](tile, painted));
      scales[index].replaceChildren();
      if (row.scale) addScale(row.scale, scales[index]);
    });
    if (hint) hint.hidden = !model.get("can_move");
    mover.arrived();
  };
  model.on("change:rows", show);
  model.on("change:can_move", show);
  show();
  return () => {
    model.off("change:rows", show);
    model.off("change:can_move", show);
  };
}

export default { render };
