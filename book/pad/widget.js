/* The pad in a notebook: what anywidget calls. widget.py puts the other files above it. */

export default {
  async render({ model, el }) {
    const root = document.createElement("div");
    root.className = "digit-pad";
    el.append(root);
    const reader = DigitPad.makeReader(DIGIT_NETWORK);
    const [height, width] = model.get("_shape");
    DigitPad.create(root, {
      getReader: async () => reader,
      samples: DIGIT_STROKES,
      small: model.get("small"),
      start: await createImageBitmap(toImageData(model.get("_pixels"), height, width)),
      onChange: ({ data, height, width }) => {
        // Red, green and blue; the paper is not transparent, and where a picture is, it lies on white.
        const pixels = new Uint8Array(3 * width * height);
        for (let i = 0; i < width * height; i++) {
          const opacity = data[4 * i + 3] / 255;
          for (let c = 0; c < 3; c++) pixels[3 * i + c] = Math.round(data[4 * i + c] * opacity + 255 * (1 - opacity));
        }
        model.set("_pixels", new DataView(pixels.buffer));
        model.set("_shape", [height, width]);
        model.save_changes();
      },
    });
  },
};

function toImageData(view, height, width) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = view.getUint8(3 * i + c);
    image.data[4 * i + 3] = 255;
  }
  return image;
}
