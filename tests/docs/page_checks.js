// What a person would trip over on a page: things past its edge or that of their cell, and words that can hardly be read.
() => {
  const edge = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > edge + 1
    ? [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > edge + 1).slice(0, 5)
        .map(one => `${one.tagName}.${one.className}`)
    : [];

  const cells = [...document.querySelectorAll(".bd-article td, .bd-article th")]
    .filter(one => one.clientWidth && [...one.children].some(part => part.scrollWidth > one.clientWidth + 1))
    .slice(0, 5).map(one => one.textContent.trim().slice(0, 40));

  const channel = value => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const parsed = colour => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [red, green, blue, alpha / 255]);
    }
    return known.get(colour);
  };
  const over = (top, below) => [0, 1, 2].map(place => top[3] * top[place] + (1 - top[3]) * below[place]);
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const colour = parsed(getComputedStyle(one).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.querySelector(".bd-article") || document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || style.visibility === "hidden" || style.opacity === "0") continue;
    const below = ground(element), ink = over(parsed(style.color), below);
    const [high, low] = [light(ink), light(below)].sort((one, other) => other - one);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    if ((high + 0.05) / (low + 0.05) < (large ? 3 : 4.5)) {
      faint.add(`${element.tagName}.${element.className} ${style.color} on ${below.map(Math.round)}: `
        + walker.currentNode.data.trim().slice(0, 40));
    }
  }
  const flat = [...document.querySelectorAll("math")].filter(one => one.getClientRects().length && one.getBoundingClientRect().width < 2);
  const pictures = [...document.images].filter(one => one.getClientRects().length && !one.naturalWidth);
  return { wide, cells, faint: [...faint].slice(0, 5), flat: flat.length, pictures: pictures.map(one => one.src) };
}
