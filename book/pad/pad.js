/* The drawing pad: draw, choose, upload or paste a picture, and see it read.

   An element of the class digit-pad becomes a pad. Its attributes: data-folder, where grids.js, prepare.js, network.js
   and weights.js lie; data-small, for a pad without the look inside; data-eager, to load these files at once and not at
   the first touch. In a notebook, widget.js makes the pad. */

const DigitPad = (() => {
  const SIDE = 280; // height and width of the drawing, in units of its own
  const PEN = 18; // width of a stroke in these units
  const SHOWN = 560; // pixels of the drawing that is seen
  const READ = 160; // pixels of the drawing that is read; a picture below the strokes needs more
  const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
  const STAGES = {
    picture: "The picture in grey",
    ink: "Ink on paper without shadow",
    digit: "The digit alone",
    square: "Cut out, with MNIST’s pen",
  };
  const MAX_BYTES = 30e6; // of an uploaded file
  const MAX_PIXELS = 800; // of the longer side of an uploaded picture, once it is on the pad

  // ---- Elements

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  }

  /* A canvas with a caption below it. */
  function picture(caption, side, extra = {}) {
    const canvas = element("canvas", { width: side, height: side, role: "img", "aria-label": caption, ...extra });
    return { canvas, figure: element("figure", {}, canvas, element("figcaption", {}, caption)) };
  }

  /* Draw a grid from 0 to 1, dark ink on white, as large as the canvas allows. */
  function showGrid(canvas, grid, { inkIsDark = true } = {}) {
    const image = new ImageData(grid.width, grid.height);
    for (let i = 0; i < grid.values.length; i++) {
      const shade = 255 * (inkIsDark ? 1 - grid.values[i] : grid.values[i]);
      image.data.set([shade, shade, shade, 255], 4 * i);
    }
    show(canvas, image);
  }

  /* All maps of a layer side by side, on one scale: the largest value of all is black. */
  function showMaps(canvas, { height, width, channels, data }, columns) {
    const rows = Math.ceil(channels / columns);
    const image = new ImageData(columns * (width + 1) - 1, rows * (height + 1) - 1);
    const most = Math.max(Grids.largest(data), 1e-6);
    for (let channel = 0; channel < channels; channel++) {
      const [top, left] = [Math.floor(channel / columns) * (height + 1), (channel % columns) * (width + 1)];
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          // The root makes weak answers visible.
          const shade = 255 * (1 - Math.sqrt(data[(y * width + x) * channels + channel] / most));
          image.data.set([shade, shade, shade, 255], 4 * ((top + y) * image.width + left + x));
        }
      }
    }
    show(canvas, image);
  }

  function show(canvas, image) {
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // ---- The drawing: a list of strokes, each a list of points, on white or on a picture

  class Drawing {
    constructor(canvas) {
      this.canvas = canvas;
      this.steps = []; // what undo takes back: strokes, and pictures that were put below them
    }

    get isEmpty() {
      return this.steps.length === 0;
    }

    get lastPicture() {
      return this.steps.findLastIndex((step) => !Array.isArray(step));
    }

    show(canvas = this.canvas) {
      const context = canvas.getContext("2d", { willReadFrequently: true });
      const scale = canvas.width / SIDE;
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.fillStyle = "#fff";
      context.fillRect(0, 0, SIDE, SIDE);
      if (this.lastPicture >= 0) showPicture(context, this.steps[this.lastPicture]);
      for (const stroke of this.steps.slice(this.lastPicture + 1)) showStroke(context, stroke);
      return context;
    }

    /* What is to be read: a picture itself as long as nothing was drawn on it, else the drawing. */
    pixels() {
      if (!this.isEmpty && this.lastPicture === this.steps.length - 1) {
        const { width, height } = this.steps[this.lastPicture];
        const context = element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
        context.drawImage(this.steps[this.lastPicture], 0, 0);
        return context.getImageData(0, 0, width, height);
      }
      const side = this.lastPicture < 0 ? READ : 2.5 * READ;
      return this.show(element("canvas", { width: side, height: side })).getImageData(0, 0, side, side);
    }
  }

  function showPicture(context, image) {
    const scale = SIDE / Math.max(image.width, image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    context.imageSmoothingQuality = "high";
    context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  }

  function showStroke(context, points) {
    Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
    context.beginPath();
    context.moveTo(...points[0]);
    for (let i = 1; i < points.length; i++) {
      // Curves from middle to middle, so that a quick hand gets no corners.
      const [before, here] = [points[i - 1], points[i]];
      context.quadraticCurveTo(...before, (before[0] + here[0]) / 2, (before[1] + here[1]) / 2);
    }
    context.lineTo(...points[points.length - 1]);
    context.stroke();
  }

  // ---- Reading

  const percent = (probability) =>
    probability < 0.005 ? "<1%" : `${Math.min(Math.round(100 * probability), 99)}%`;

  /* The answer in words, refused as read_digit refuses. */
  function judge(probabilities, threshold) {
    const order = probabilities.map((_, digit) => digit).sort((a, b) => probabilities[b] - probabilities[a]);
    const [first, second] = order;
    if (probabilities[first] >= threshold) {
      const article = first === 8 ? "an" : "a";
      return { digit: first, text: `This is ${article} ${WORDS[first]}, ${percent(probabilities[first])} sure.` };
    }
    if (probabilities[first] + probabilities[second] >= threshold) {
      return { digit: null, text: `Unsure: ${WORDS[first]} or ${WORDS[second]}?` };
    }
    return { digit: null, text: "No digit here, or none that can be told." };
  }

  /* Load scripts one after the other; each is loaded once a page, whichever pad asks first. */
  const loading = new Map();
  function loadScript(address) {
    if (!loading.has(address)) {
      loading.set(
        address,
        new Promise((resolve, reject) => {
          const script = element("script", { src: address, onload: resolve });
          script.addEventListener("error", () => {
            loading.delete(address);
            reject(new Error(`${address} cannot be loaded; reload the page to try again.`));
          });
          document.head.append(script);
        })
      );
    }
    return loading.get(address);
  }

  async function loadReader(folder) {
    for (const name of ["grids", "prepare", "network", "weights"]) await loadScript(`${folder}/${name}.js`);
    return makeReader(DIGIT_NETWORK);
  }

  function makeReader(weights) {
    const network = Network.load(weights);
    return (pixels) => {
      const prepared = Preparation.prepareDigit(pixels);
      return { prepared, ...Network.read(network, prepared.image), threshold: network.threshold };
    };
  }

  // ---- The pad

  /* Make a pad of an element.

     getReader: an asynchronous function that gives a function from ImageData to a reading.
     samples: for each digit the strokes that write it, in heights of the digit.
     small: whether the look inside is left out.
     start: a picture to begin with; drawing begins on new paper.
     onChange: is told the picture, as ImageData, whenever it has changed.

     Returns an object of functions for whoever has made the pad. */
  function create(root, { getReader, samples, small = false, start = null, onChange = () => {} }) {
    const canvas = element("canvas", {
      class: "pad-drawing",
      width: SHOWN,
      height: SHOWN,
      role: "img",
      "aria-label": "Drawing area. Draw a digit with mouse, finger or pen, or choose one of the sample digits below.",
    });
    const drawing = new Drawing(canvas);
    const undo = element("button", { type: "button", disabled: true, onclick: takeBack }, "Undo");
    const clear = element("button", { type: "button", disabled: true, onclick: clearAll }, "Clear");
    const file = element("input", { type: "file", accept: "image/*", onchange: upload });
    const open = element("button", { type: "button", onclick: () => file.click() }, "Open a picture");
    const sampleButtons = WORDS.map((_, digit) =>
      element("button", { type: "button", "aria-label": `Sample ${digit}`, onclick: () => write(digit) }, String(digit))
    );
    const answer = element("p", { class: "pad-answer", "aria-hidden": "true" }, "?");
    const sentence = element("p", { class: "pad-sentence", "aria-hidden": "true" });
    const spoken = element("p", { class: "pad-spoken", "aria-live": "polite" });
    const bars = WORDS.map((_, digit) => {
      const bar = element("span", { class: "pad-bar" });
      const share = element("span", { class: "pad-percent" });
      return { bar, share, row: element("li", {}, element("span", {}, String(digit)), bar, share) };
    });
    const seen = picture("What the network gets: 28×28 pixels", 28, { class: "pad-pixels" });
    const stages = Object.entries(STAGES).map(([name, caption]) => ({ name, ...picture(caption, 28) }));
    const maps = ["first", "second"].map((which, i) =>
      picture(`What the ${which} convolution finds: ${[32, 64][i]} maps of 14×14`, 28, { class: "pad-pixels" })
    );

    root.replaceChildren(
      element(
        "div",
        { class: "pad-paper" },
        canvas,
        element("div", { class: "pad-tools" }, undo, clear, open, file),
        element("div", { class: "pad-samples", role: "group", "aria-label": "Sample digits" }, "Or take: ", ...sampleButtons)
      ),
      element(
        "div",
        { class: "pad-result" },
        element("div", { class: "pad-verdict" }, answer, sentence, spoken),
        element("ol", { class: "pad-bars", "aria-label": "Probability of each digit" }, ...bars.map(({ row }) => row))
      ),
      ...(small
        ? []
        : [
            element("div", { class: "pad-stages" }, ...stages.map(({ figure }) => figure), seen.figure),
            element("div", { class: "pad-maps" }, ...maps.map(({ figure }) => figure)),
          ])
    );
    file.hidden = true;

    // Drawing

    let stroke = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || stroke) return; // a second finger draws nothing
      event.preventDefault();
      root.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      if (start) forgetStart();
      stroke = { pointer: event.pointerId, points: [place(event)] };
      drawing.steps.push(stroke.points);
      changed();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!stroke || event.pointerId !== stroke.pointer) return;
      if (event.buttons === 0) return endStroke();
      // Between two frames a quick hand passes through many points.
      const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      stroke.points.push(...(events.length ? events : [event]).map(place));
      changed();
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(name, (event) => {
        if (stroke && event.pointerId === stroke.pointer) endStroke();
      });
    }

    function endStroke() {
      stroke = null;
      changed();
    }

    function place(event) {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left - canvas.clientLeft, event.clientY - box.top - canvas.clientTop];
      return [(x / canvas.clientWidth) * SIDE, (y / canvas.clientHeight) * SIDE];
    }

    function takeBack() {
      startAgain(drawing.steps.slice(0, -1));
    }

    function clearAll() {
      startAgain([]);
    }

    /* Go on with other steps; a stroke or an upload that has not ended belongs to what was there before. */
    function startAgain(steps) {
      [stroke, start] = [null, null];
      uploads++;
      drawing.steps = steps;
      if (drawing.isEmpty && [undo, clear].includes(document.activeElement)) sampleButtons[0].focus();
      changed();
    }

    /* Write a sample digit as a hand would: the same strokes, larger, on new paper. */
    function write(digit) {
      const strokes = samples[digit];
      const points = strokes.flat();
      const [left, top] = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])));
      const [right, bottom] = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis])));
      const scale = (0.7 * SIDE) / Math.max(right - left, bottom - top);
      const x = (at) => SIDE / 2 + (at - (left + right) / 2) * scale;
      const y = (at) => SIDE / 2 + (at - (top + bottom) / 2) * scale;
      startAgain(strokes.map((points) => points.map((point) => [x(point[0]), y(point[1])])));
    }

    function forgetStart() {
      start = null;
      drawing.steps = [];
    }

    // Pictures

    function upload() {
      if (file.files.length) usePicture(file.files[0]);
      file.value = ""; // so that the same file can be chosen again
    }

    let uploads = 0;

    async function usePicture(blob) {
      const upload = ++uploads;
      const name = (blob && blob.name) || "The picture";
      try {
        if (!blob) throw new Error("it is empty");
        if (blob.size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES / 1e6} MB`);
        await load();
        // The browser turns it upright, as the camera was held.
        const image = await createImageBitmap(blob);
        const opaque = layOnPaper(image);
        image.close();
        if (upload !== uploads) return; // another one was opened meanwhile, or the pad cleared
        if (start) forgetStart();
        stroke = null;
        drawing.steps.push(opaque);
        changed();
      } catch (error) {
        const reason = error instanceof DOMException ? "" : `: ${error.message}`;
        say(`${name} cannot be opened${reason}. Try a PNG or a JPEG.`);
      }
    }

    /* A picture of a handy size, on the paper that the preparation chooses for it where it is transparent. */
    function layOnPaper(image) {
      const scale = Math.min(MAX_PIXELS / Math.max(image.width, image.height), 1);
      const [width, height] = [image.width, image.height].map((side) => Math.max(Math.round(side * scale), 1));
      const context = element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
      context.imageSmoothingQuality = "high";
      context.drawImage(image, 0, 0, width, height);
      const paper = Preparation.paperOf(context.getImageData(0, 0, width, height));
      context.globalCompositeOperation = "destination-over";
      context.fillStyle = `rgb(${paper.join()})`;
      context.fillRect(0, 0, width, height);
      return context.canvas;
    }

    root.addEventListener("paste", paste);
    root.tabIndex = -1; // a click makes the pad the place that a picture is pasted into
    function paste(event) {
      const item = Array.from(event.clipboardData.items).find(({ type }) => type.startsWith("image/"));
      if (!item) return;
      event.preventDefault();
      usePicture(item.getAsFile());
    }
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) usePicture(event.dataTransfer.files[0]);
    });
    root.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !drawing.isEmpty) {
        event.preventDefault();
        takeBack();
      }
    });

    // Answers

    let read = null;
    let waiting = false;

    async function load() {
      read = read || (await getReader());
    }

    /* Show the drawing at once, and read it when the browser has a moment. */
    function changed() {
      drawing.show();
      undo.disabled = clear.disabled = drawing.isEmpty;
      if (waiting) return;
      waiting = true;
      setTimeout(async () => {
        try {
          if (!read) say("Loading the network …");
          await load();
        } catch (error) {
          say(error.message);
          return;
        } finally {
          waiting = false;
        }
        if (stroke && drawing.lastPicture >= 0) return; // a photo takes too long to be read while the pen moves
        const pixels = drawing.pixels();
        showReading(pixels);
        if (!stroke) onChange(pixels);
      }, 30);
    }

    function showReading(pixels) {
      let reading;
      try {
        reading = read(pixels);
      } catch (error) {
        if (!(error instanceof Preparation.NoDigitError)) throw error;
        showNothing(drawing.isEmpty ? "Draw a digit from 0 to 9." : `No digit here: the picture ${error.message}`);
        return;
      }
      const { prepared, probabilities, maps: found, threshold } = reading;
      const { digit, text } = judge(probabilities, threshold);
      answer.textContent = digit === null ? "?" : String(digit);
      say(text);
      probabilities.forEach((probability, i) => showBar(i, probability, i === digit));
      if (small) return;
      for (const { name, canvas: shown } of stages) {
        showGrid(shown, prepared.stages[name], { inkIsDark: name !== "picture" });
      }
      showGrid(seen.canvas, { height: 28, width: 28, values: Float32Array.from(prepared.image, (pixel) => pixel / 255) });
      maps.forEach(({ canvas: shown }, i) => showMaps(shown, found[i], [8, 16][i]));
    }

    function showNothing(text) {
      answer.textContent = "?";
      say(text);
      bars.forEach((_, i) => showBar(i, 0, false));
      for (const { canvas: shown } of [...stages, seen, ...maps]) {
        showGrid(shown, { height: 28, width: 28, values: new Float32Array(784) });
      }
    }

    function showBar(i, probability, chosen) {
      bars[i].bar.style.setProperty("--probability", probability.toFixed(4));
      bars[i].share.textContent = probability ? percent(probability) : "–";
      bars[i].row.classList.toggle("pad-chosen", chosen);
    }

    /* Shown at once; for a screen reader only when the stroke has ended, and when it has changed. */
    function say(text) {
      sentence.textContent = text;
      if (!stroke && spoken.textContent !== text) spoken.textContent = text;
    }

    showNothing("Draw a digit from 0 to 9.");
    if (start) {
      drawing.steps = [start];
      changed();
    }
    return { paste, load };
  }

  /* Make pads of the elements of a page. */
  function createAll() {
    for (const root of document.querySelectorAll(".digit-pad[data-folder]")) {
      const { folder } = root.dataset;
      const pad = create(root, {
        getReader: () => loadReader(folder),
        samples: DIGIT_STROKES,
        small: "small" in root.dataset,
      });
      if ("eager" in root.dataset) pad.load().catch(() => {}); // whoever draws is told
      // What is pasted anywhere on the page, but into a field of text, is meant for its pad.
      document.addEventListener("paste", (event) => {
        if (!root.contains(event.target) && !event.target.closest?.("input, textarea")) pad.paste(event);
      });
    }
  }

  return { create, createAll, makeReader };
})();

if (typeof document !== "undefined" && document.currentScript) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", DigitPad.createAll);
  else DigitPad.createAll();
}
