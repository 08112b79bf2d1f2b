/* The pad in a notebook: what anywidget calls. widget.py puts the other files above it. */

export default {
  async render({ model, el }) {
    const root = document.createElement("div");
    root.className = "digit-pad";
    root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's single keys, such as Z, are not meant here
    el.append(root);
    const reader = DigitPad.makeReader(DIGIT_NETWORK);
    const [height, width] = model.get("_shape");
    DigitPad.create(root, {
      getReader: async () => reader,
      samples: DIGIT_STROKES,
      small: model.get("small"),
      start: await createImageBitmap(toImageData(model.get("_pixels"), height, width)),
      onChange: ({ data, height, width }) => {
        const pixels = new Uint8Array(3 * width * height); // nothing on the pad is transparent
        for (let i = 0; i < width * height; i++) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
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
