/* Surfaces of maps side by side, drawn by nglview's NGL and turned together.

All that is shown is in the synced traits of the model, so that a view can be made at any time: when the cell is
shown again, in a second place, or after the page was loaded anew. A map comes once, as 16-bit integers; its levels
and the camera cost no more bytes. Stages are made by a view class of nglview's own, asked of the widget manager by
name: no model of nglview's has to exist in the kernel for that, so no thread of it either. */

const TURN = Math.PI / 12; // one press of an arrow key [radian]
const REST = 250; // after the last movement, the kernel is told [millisecond]
const DIRECTIONS = {
    // Rows of rotations: where the stage's axes (x to the left, y up, z away) lie in the map.
    "Front": { words: "along z", rows: [[-1, 0, 0], [0, 1, 0], [0, 0, -1]] },
    "Side": { words: "along x", rows: [[0, -1, 0], [0, 0, 1], [-1, 0, 0]] },
    "Top": { words: "along y", rows: [[-1, 0, 0], [0, 0, 1], [0, 1, 0]] },
};
const NO_WEBGL = "This browser cannot draw surfaces: WebGL is switched off or missing. Switch on graphics"
    + " acceleration in its settings, or use another browser; everything else works without.";
const NO_NGLVIEW = "Surfaces need nglview beside JupyterLab: run pip install nglview==4.0 where the server runs,"
    + " then load this page again; everything else works without.";

function hasWebgl() {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return Boolean(context);
}

/* All maps of one view of the model. */
class Scene {
    constructor(model, root) {
        this.model = model;
        this.manager = model.widget_manager;
        this.surfaces = new Map();
        this.closed = false;
        this.root = element("div", "cryonb-scene", root);
        this.root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves arrow keys and r to us
        this.bar();
        this.words = element("p", "cryonb-scene-words", this.root);
        this.words.setAttribute("role", "status");
        this.grid = element("div", "cryonb-scene-grid", this.root);
        this.listeners = {
            "change:views": () => this.update(),
            "change:words": () => this.say(),
            "change:levels": () => this.each((surface) => surface.level(this.levelOf(surface.facts))),
            "change:camera": () => this.each((surface) => this.place(surface)),
            "change:theme": () => this.repaint(),
        };
        Object.entries(this.listeners).forEach(([name, heard]) => model.on(name, heard));
        this.page = new MutationObserver(() => this.repaint());
        this.page.observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light"] });
        this.update();
    }

    bar() {
        const bar = this.tools = element("div", "cryonb-scene-bar", this.root);
        bar.setAttribute("role", "toolbar");
        bar.setAttribute("aria-label", "View of all surfaces");
        for (const [name, { words, rows }] of Object.entries(DIRECTIONS)) {
            const button = element("button", "cryonb-scene-button", bar, name);
            button.title = `Look ${words}`;
            button.addEventListener("click", () => this.look(rows));
        }
        const reset = element("button", "cryonb-scene-button", bar, "Reset view");
        reset.title = "From the front, all in view";
        reset.addEventListener("click", () => this.move([]));
        element("span", "cryonb-scene-hint", bar, "All turn together: drag, scroll to zoom, right-drag to shift.");
    }

    /* Make, change and take away what the kernel says is shown. */
    update() {
        const views = this.model.get("views"), slots = new Set(views.map((facts) => facts.slot));
        this.problem ??= hasWebgl() ? "" : NO_WEBGL;
        this.say();
        for (const [slot, surface] of this.surfaces) {
            if (!slots.has(slot)) this.surfaces.delete(slot), surface.close();
        }
        if (this.problem) return;
        for (const facts of views) {
            if (!this.surfaces.has(facts.slot)) this.surfaces.set(facts.slot, new Surface(this, this.grid));
            const surface = this.surfaces.get(facts.slot);
            this.grid.append(surface.box);
            surface.tell(facts, this.model.get(`map_${facts.slot}`));
        }
        this.each((surface) => surface.stage && this.place(surface));
    }

    fail(error) {
        if (this.closed || this.problem) return;
        console.warn("cryonb: surfaces cannot be drawn:", error);
        this.giveUp(NO_NGLVIEW);
    }

    giveUp(sentence) {
        this.problem = sentence;
        this.surfaces.forEach((surface) => surface.close());
        this.surfaces.clear();
        this.say();
    }

    /* Why there is nothing to see; empty where there is. */
    say() {
        const views = this.model.get("views");
        this.words.textContent = (views.length && this.problem) || this.model.get("words");
        this.words.hidden = !this.words.textContent;
        this.tools.hidden = Boolean(this.problem) || !views.some((facts) => !facts.problem);
    }

    each(call) {
        this.surfaces.forEach(call);
    }

    levelOf(facts) {
        const level = this.model.get("levels")[facts.label];
        return Number.isFinite(level) ? level : facts.first;
    }

    choose(surface, level) {
        surface.level(level);
        this.model.set("levels", { ...this.model.get("levels"), [surface.facts.label]: surface.wanted });
        this.save();
    }

    /* Tell the kernel, once the hand rests. */
    save() {
        clearTimeout(this.saving);
        this.saving = setTimeout(() => this.model.save_changes(), REST);
    }

    /* Camera: the elements of NGL's matrix of orientation, by columns; none is the view from the front, all in view. */
    distance(surface) {
        const { width, height } = surface.frame.getBoundingClientRect();
        const narrow = width > 1 && height > 1 ? Math.min(1, width / height) : 1;
        const radius = Math.max(...[...this.surfaces.values()].map((one) => one.facts.radius || 0));
        return (1.12 * radius) / Math.sin((LENS * Math.PI) / 360) / narrow;
    }

    seen(rows, distance) {
        const columns = [0, 1, 2].map((column) => [...rows.map((row) => row[column] * distance), 0]);
        return [...columns.flat(), 0, 0, 0, 1];
    }

    place(surface) {
        if (!surface.stage) return;
        const camera = this.model.get("camera");
        const isOne = camera.length === 16 && camera.every(Number.isFinite);
        const wanted = isOne ? camera : this.seen(DIRECTIONS.Front.rows, this.distance(surface));
        this.guarded(() => surface.stage.viewerControls.orient([...wanted]));
    }

    guarded(call) {
        this.placing = true;
        try {
            call();
        } finally {
            this.placing = false;
        }
    }

    /* A stage was turned by hand: all others follow, in this view and in others of the same model. */
    moved(surface) {
        if (this.placing || this.closed) return;
        this.move([...surface.stage.viewerControls.getOrientation().elements]);
    }

    move(camera) {
        this.model.set("camera", camera);
        this.save();
    }

    look(rows) {
        const surface = this.surfaces.values().next().value;
        if (surface?.stage) this.move(this.seen(rows, this.distance(surface)));
    }

    key(event, surface) {
        const controls = surface.stage?.viewerControls, name = event.key;
        const turns = { ArrowLeft: [0, 1, 0, TURN], ArrowRight: [0, 1, 0, -TURN], ArrowUp: [1, 0, 0, -TURN],
            ArrowDown: [1, 0, 0, TURN] };
        if (!controls || event.ctrlKey || event.metaKey || event.altKey) return;
        if (name in turns) controls.spin(turns[name].slice(0, 3), turns[name][3]);
        else if (name === "+" || name === "-") controls.zoom(name === "+" ? 0.1 : -0.1);
        else if (name === "r") this.move([]);
        else return;
        event.preventDefault();
        event.stopPropagation();
    }

    paper() {
        const page = getComputedStyle(this.root).getPropertyValue("--jp-layout-color0").trim();
        return page || (this.model.get("theme") === "dark" ? "#111111" : "#ffffff");
    }

    /* The page's own colours arrive a moment after its theme was changed. */
    repaint() {
        [0, 150, 600].forEach((delay) => setTimeout(() => this.closed || this.each((one) => one.paint()), delay));
    }

    close() {
        this.closed = true;
        this.page.disconnect();
        clearTimeout(this.saving);
        Object.entries(this.listeners).forEach(([name, heard]) => this.model.off(name, heard));
        this.surfaces.forEach((surface) => surface.close());
        this.surfaces.clear();
    }
}

function render({ model, el }) {
    const scene = new Scene(model, el);
    return () => scene.close();
}

export default { render };
