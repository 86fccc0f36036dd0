// How long it takes until what is seen of a place has changed, from the event that asked for it.
//
// The pictures of the place (images, canvases, of WebGL too) are drawn into a small canvas at every frame; the first
// frame in which they come out otherwise ends the measurement. The clock starts with the event's own time stamp.
(where) => {
    const SIDE = 192;
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    const pen = small.getContext("2d", { willReadFrequently: true });

    const look = () => {
        let sum = 5381;
        for (const picture of document.querySelectorAll(where.split(",").map(one => one + " img," + one + " canvas").join(","))) {
            const box = picture.getBoundingClientRect();
            if (!box.width || !box.height || (picture.tagName === "IMG" && !picture.complete)) continue;
            pen.clearRect(0, 0, SIDE, SIDE);
            try { pen.drawImage(picture, 0, 0, SIDE, SIDE); } catch (unready) { continue; }
            const seen = new Uint32Array(pen.getImageData(0, 0, SIDE, SIDE).data.buffer);
            for (let i = 0; i < seen.length; i++) sum = (Math.imul(sum, 33) ^ seen[i]) | 0;
        }
        return sum;
    };

    const watch = { before: look(), asked: 0, seen: 0, frames: 0 };
    window.cryonbStopwatch = watch;
    const begin = event => { if (!watch.asked) watch.asked = event.timeStamp; };
    for (const kind of ["keydown", "pointerdown", "click", "change"]) {
        document.addEventListener(kind, begin, { capture: true, once: true });
    }
    const frame = () => {
        if (window.cryonbStopwatch !== watch) return;
        watch.frames += 1;
        if (watch.asked && look() !== watch.before) { watch.seen = performance.now(); return; }
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}
