/* One surface: a map as integers, its stage, its slider and its words. `scene.js` follows in the same module. */

const MODULE = "nglview-js-widgets";
const LENS = 30; // vertical field of view [degree]

function element(tag, className, parent, words = "") {
    const made = document.createElement(tag);
    made.className = className;
    made.textContent = words;
    parent.append(made);
    return made;
}

/* Three significant digits; exponents only where they are shorter. */
function short(number) {
    const size = Math.abs(number);
    return size >= 1e4 || (size > 0 && size < 1e-3) ? number.toExponential(2) : String(Number(number.toPrecision(3)));
}

/* A stage in no element yet. NGL itself is reached in the way in which nglview's kernel side reaches it: by a line
that a view runs. */
async function newStage(manager) {
    const View = await manager.loadClass("ColormakerRegistryView", MODULE, "*");
    const found = {};
    View.prototype.executeCode.call(found, "this.Stage = NGL.Stage");
    return new found.Stage();
}

/* A map as a file of the MRC kind, mode 2, with its middle at the origin: what NGL reads. */
function mapFile(integers, facts) {
    const [nz, ny, nx] = facts.shape, voxel = facts.voxel_size;
    const file = new ArrayBuffer(1024 + 4 * integers.length);
    const whole = new Int32Array(file, 0, 256), real = new Float32Array(file, 0, 256);
    whole.set([nx, ny, nz, 2, 0, 0, 0, nx, ny, nz]);
    real.set([nx * voxel, ny * voxel, nz * voxel, 90, 90, 90], 10);
    whole.set([1, 2, 3], 16);
    real.set([nx, ny, nz].map((count) => -Math.floor(count / 2) * voxel), 49);
    new Uint8Array(file).set([77, 65, 80, 32, 68, 68], 208); // "MAP ", little-endian
    const density = new Float32Array(file, 1024);
    for (let i = 0; i < integers.length; i++) density[i] = facts.offset + facts.scale * integers[i];
    return new Blob([file]);
}

/* How many voxels hold at least each of the 65536 integers. */
function counted(integers) {
    const above = new Uint32Array(65537);
    for (let i = 0; i < integers.length; i++) above[integers[i] + 32768]++;
    for (let k = 65535; k >= 0; k--) above[k] += above[k + 1];
    return above;
}

/* One map: its words, its stage and its slider. */
class Surface {
    constructor(scene, parent) {
        this.scene = scene;
        this.edition = null;
        this.round = 0;
        this.busy = false;
        this.box = element("section", "cryonb-surface", parent);
        this.box.setAttribute("role", "group");
        const head = element("header", "cryonb-surface-head", this.box);
        this.swatch = element("span", "cryonb-surface-swatch", head);
        this.name = element("b", "cryonb-surface-name", head);
        this.size = element("span", "cryonb-surface-size", head);
        this.frame = element("div", "cryonb-surface-frame", this.box);
        this.frame.setAttribute("role", "img");
        this.frame.addEventListener("keydown", (event) => scene.key(event, this));
        const row = element("label", "cryonb-surface-level", this.box);
        this.reading = element("span", "cryonb-surface-reading", row);
        this.volume = element("span", "cryonb-surface-volume", row);
        this.slider = element("input", "cryonb-surface-slider", row);
        this.slider.type = "range";
        this.slider.addEventListener("input", () => scene.choose(this, Number(this.slider.value)));
        this.note = element("p", "cryonb-surface-note", this.box);
        this.resizing = new ResizeObserver(() => this.resize());
        this.resizing.observe(this.frame);
    }

    /* Take over what the kernel says of the map; the map itself only where it is another one. */
    tell(facts, bytes) {
        const isNew = this.edition !== facts.edition;
        this.facts = facts;
        this.edition = facts.edition;
        this.box.setAttribute("aria-label", `Surface of ${facts.label}`);
        this.name.textContent = facts.label;
        this.size.textContent = facts.size;
        this.note.textContent = facts.problem || facts.note;
        this.swatch.style.background = facts.colour;
        this.frame.hidden = this.slider.parentElement.hidden = Boolean(facts.problem);
        this.frame.tabIndex = facts.problem ? -1 : 0;
        this.slider.setAttribute("aria-label", `Level of ${facts.label}`);
        Object.assign(this.slider, { min: facts.lowest, max: facts.highest, step: facts.step });
        this.element?.setParameters({ color: facts.colour });
        if (isNew) this.load(bytes).catch((error) => this.scene.fail(error));
    }

    async load(bytes) {
        const round = ++this.round;
        this.clear();
        if (this.facts.problem || !bytes?.byteLength) return;
        const integers = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
        this.above = counted(integers);
        this.level(this.scene.levelOf(this.facts));
        const stage = this.stage ?? await newStage(this.scene.manager);
        if (round !== this.round || this.scene.closed) return stage === this.stage || release(stage);
        if (!this.stage) this.settle(stage);
        const settings = { ext: "mrc", name: this.facts.label, defaultRepresentation: false };
        const component = await stage.loadFile(mapFile(integers, this.facts), settings);
        if (round !== this.round) return stage.removeComponent(component);
        this.component = component;
        this.draw();
    }

    settle(stage) {
        this.stage = stage;
        stage.keyBehavior.dispose();
        stage.pickingBehavior.dispose();
        this.frame.append(stage.viewer.container);
        stage.viewer.container.className = "cryonb-surface-canvas";
        stage.setParameters({ sampleLevel: -1, hoverTimeout: -1, tooltip: false, cameraFov: LENS, clipDist: 1,
            lightIntensity: 1.1, ambientIntensity: 0.55 });
        stage.viewerControls.signals.changed.add(() => this.scene.moved(this));
        this.paint();
        this.resize();
    }

    /* Draw the surface for the first time; from then on only its level changes. */
    draw() {
        const reach = this.facts.reach;
        this.stage.setParameters({
            clipScale: "absolute", clipNear: reach, clipFar: reach, fogNear: 0.2 * reach, fogFar: 1.6 * reach,
        });
        this.busy = true;
        this.drawn = this.wanted;
        // Only the outside is drawn, which NGL's surfaces turn their backs to: half the work of both sides.
        this.element = this.component.addRepresentation("surface", {
            isolevelType: "value", isolevel: this.wanted, color: this.facts.colour, useWorker: true,
            disablePicking: true, opaqueBack: false, side: "back", roughness: 0.75, metalness: 0.0,
        });
        this.scene.place(this);
        this.element.repr.tasks.onZeroOnce(() => this.rest());
    }

    /* One level at a time: those that come while one is being drawn are passed over, but for the last. */
    rest() {
        this.busy = false;
        if (!this.element) return;
        this.box.dataset.drawn = String(this.drawn);
        if (this.drawn !== this.wanted) {
            this.busy = true;
            this.drawn = this.wanted;
            this.element.repr.isolevel = this.wanted; // setParameters would draw the old surface once more, first
            this.element.build({ position: true, color: true, index: true, normal: true });
            this.element.repr.tasks.onZeroOnce(() => this.rest());
        }
    }

    level(value) {
        const { lowest, highest, median, sigma, scale, offset, voxel_size: voxel, label } = this.facts;
        this.wanted = Math.min(Math.max(value, lowest), highest);
        if (document.activeElement !== this.slider || this.slider.valueAsNumber !== value) this.slider.value = value;
        const step = Math.min(Math.max(Math.ceil((this.wanted - offset) / scale), -32767), 32767);
        const inside = this.above ? this.above[step + 32768] : 0;
        const deviations = short((this.wanted - median) / sigma);
        const volume = Number((inside * voxel ** 3).toPrecision(3)).toLocaleString("en").replaceAll(",", "\u202f");
        this.reading.textContent = `Level ${short(this.wanted)} = ${deviations} \u03c3`;
        this.volume.textContent = `${volume} \u00c5\u00b3 inside`;
        this.slider.setAttribute("aria-valuetext", `${short(this.wanted)}, ${deviations} standard deviations`);
        this.frame.setAttribute("aria-label", `Surface of ${label} at a density of ${short(this.wanted)}, `
            + `${deviations} standard deviations of the map above its median. It encloses ${inside} voxels, ${volume} `
            + "cubic angstrom. Arrow keys turn it, plus and minus zoom, r sets it back.");
        if (!this.busy) this.rest();
    }

    paint() {
        this.stage?.setParameters({ backgroundColor: this.scene.paper() });
    }

    resize() {
        const { width, height } = this.frame.getBoundingClientRect();
        if (!this.stage || width < 2 || height < 2) return;
        this.stage.setSize(`${Math.floor(width)}px`, `${Math.floor(height)}px`);
        this.scene.place(this);
    }

    clear() {
        if (this.component) this.stage.removeComponent(this.component);
        this.component = this.element = null;
        this.busy = false;
        delete this.box.dataset.drawn;
    }

    close() {
        this.round++;
        this.resizing.disconnect();
        this.clear();
        if (this.stage) release(this.stage);
        this.stage = null;
        this.box.remove();
    }
}

function release(stage) {
    stage.removeAllComponents();
    stage.dispose();
    stage.viewer.renderer?.forceContextLoss();
    stage.viewer.container.remove();
}
