// What a page withholds from somebody: texts that are too pale, and things without a name.
() => {
  const CONTRAST = 4.5; // of text to what is behind it: WCAG 2, AA
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const shown = (node) => node.checkVisibility() && !node.closest(".skip, svg");

  // As the browser paints it, whatever words the colour is given in.
  const paint = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const colour = paint(getComputedStyle(each).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return paint("white");
  };
  const contrast = (node) => {
    const [dark, bright] = [light(paint(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  const name = (node) => {
    const of = node.getAttribute("aria-labelledby");
    return of ? document.getElementById(of)?.textContent : node.getAttribute("aria-label") || node.textContent.trim();
  };

  const texts = [...document.querySelectorAll("body *")].filter((node) => shown(node) && hasText(node));
  const things = [...document.querySelectorAll("a, button, meter, section, th, [role=img]")].filter((node) => node.checkVisibility());
  return [
    ...texts.filter((node) => contrast(node) < CONTRAST).map((node) => `${contrast(node).toFixed(2)}: ${node.outerHTML.slice(0, 100)}`),
    ...things.filter((node) => !name(node)).map((node) => `no name: ${node.outerHTML.slice(0, 100)}`),
    ...(texts.length ? [] : ["no text at all"]),
  ];
}
