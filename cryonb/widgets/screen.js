// Tells the kernel whether the page is light or dark, how fine its dots are, and that it was shown.

const SETTLED = 1000; // milliseconds until the cell that shows the app has ended, as a rule
const probe = window.matchMedia("(prefers-color-scheme: dark)");

// Lightness of the page's own paper, 0 to 1, where a theme names it; else null.
function lightnessOf(name) {
  const colour = getComputedStyle(document.body).getPropertyValue(name).trim();
  if (!colour) return null;
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

function themeOfPage() {
  const said = document.body.dataset.jpThemeLight;
  if (said === "true" || said === "false") return said === "true" ? "light" : "dark";
  const lightness = lightnessOf("--jp-layout-color0");
  if (lightness !== null) return lightness < 0.5 ? "dark" : "light";
  return probe.matches ? "dark" : "light";
}

function initialize({ model }) {
  const tell = () => {
    const [theme, ratio] = [themeOfPage(), window.devicePixelRatio || 1];
    if (model.get("theme") === theme && model.get("pixel_ratio") === ratio) return;
    model.set("theme", theme);
    model.set("pixel_ratio", ratio);
    model.save_changes();
  };
  const watcher = new MutationObserver(tell);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  probe.addEventListener("change", tell);
  window.addEventListener("resize", tell);
  tell();
  return () => {
    watcher.disconnect();
    probe.removeEventListener("change", tell);
    window.removeEventListener("resize", tell);
  };
}

function render({ model, el }) {
  el.classList.add("cryonb-screen");
  el.setAttribute("aria-hidden", "true");
  if (model.get("is_shown")) return;
  // Not at once: what is sent while the cell that shows the app still runs is answered before the page listens, and
  // the page then waits for that answer for ever and sends nothing more, a change of theme included.
  setTimeout(() => {
    model.set("is_shown", true);
    model.save_changes();
  }, SETTLED);
}

export default { initialize, render };
