/* Any picture of a digit, prepared as the digits of MNIST were: handwriting.py in the reader's browser.

   Function by function it does what the package does, and the chapter about your own image explains why. */

const Preparation = (() => {
  const SIDE = 400; // the longer side, in pixels, at which a digit is looked for
  const SMALLEST = 8; // pixels of the longer side of a digit
  const PENS = 4; // a stroke is narrower than so many pens; what is broader is paper, or a shadow on it
  const SQUARE = 20; // the longer side of a digit in MNIST
  const THINNEST = 1.9; // pixels of those 20; most digits of MNIST have thicker strokes
  const MIN_CONTRAST = 0.06; // of the way from black to white; less is paper, or noise
  const NOISE = 1.4826; // makes a standard deviation of a median distance

  const { make, map, round, clip, percentile, median, largest } = Grids;

  class NoDigitError extends Error {}

  /* Prepare the one digit in a picture.

     picture: {width, height, data}, such as the ImageData of a canvas: red, green, blue and opacity from 0 to 255.

     Returns {image, stages, box}: 28×28 bytes, 0 paper and 255 ink; the pictures on the way, as grids from 0 to 1; and
     left, top, right and bottom of the digit as shares of the picture. Throws a NoDigitError that says why. */
  function prepareDigit(picture) {
    const pixels = openPicture(picture);
    const ink = findInk(pixels);
    const strokes = findStrokes(ink);
    const digit = chooseDigit(strokes, ink);
    const around = bounds(digit);
    if (Math.max(around.bottom - around.top, around.right - around.left) < SMALLEST) {
      throw new NoDigitError("holds nothing large enough for a digit; cut the picture closer around it.");
    }
    return finish(pixels, ink, strokes, digit);
  }

  /* Red, green and blue as three grids from 0 to 1, on paper where the picture is transparent, no longer than SIDE. */
  function openPicture(picture) {
    const scale = SIDE / Math.max(picture.width, picture.height);
    const [height, width] = [picture.height, picture.width].map((length) => Math.max(round(length * scale), 1));
    const planes = split(picture).map((plane) => (scale < 1 ? Grids.resize(plane, height, width, "hamming") : plane));
    return layOnPaper(planes.slice(0, 3), planes[3]);
  }

  /* Red, green, blue and opacity, each from 0 to 1. */
  function split({ width, height, data }) {
    return [0, 1, 2, 3].map((channel) => map(make(height, width), (_, i) => data[4 * i + channel] / 255));
  }

  /* Lay a transparent picture on paper. */
  function layOnPaper(colours, opacity) {
    if (opacity.values.every((value) => value === 1)) return colours;
    const paper = choosePaper(colours, opacity);
    return colours.map((colour, c) =>
      map(colour, (value, i) => value * opacity.values[i] + paper[c] * (1 - opacity.values[i]))
    );
  }

  /* The paper for a transparent picture: its own, if it has some, or white, or black under light ink. */
  function choosePaper(colours, opacity) {
    const white = [1, 1, 1];
    if (opacity.values.every((value) => value === 1)) return white;
    const places = [];
    opacity.values.forEach((value, i) => value > 0.5 && places.push(i));
    if (places.length === 0) return white;
    const solid = make(opacity.height, opacity.width, new Uint8Array(opacity.values.length));
    for (const i of places) solid.values[i] = 1;
    const box = bounds(solid);
    const share = places.length / ((box.bottom - box.top) * (box.right - box.left));
    const usual = colours.map((colour) => median(places.map((i) => colour.values[i])));
    const distances = places.map((i) => Math.hypot(...colours.map((colour, c) => colour.values[i] - usual[c])));
    if (share > 0.8 && strongest(distances) > MIN_CONTRAST) return usual; // a sheet with something on it
    const sum = places.reduce((total, i) => total + colours.reduce((of, colour) => of + colour.values[i], 0), 0);
    return sum / (3 * places.length) > 0.5 && places.length < opacity.values.length ? [0, 0, 0] : white;
  }

  /* The same for ImageData, as red, green and blue from 0 to 255. */
  function paperOf(picture) {
    const planes = split(picture);
    return choosePaper(planes.slice(0, 3), planes[3]).map((value) => round(255 * value));
  }

  /* What the ink comes to where it is thickest: the median of the largest values, for the very largest may be a speck. */
  function strongest(values) {
    const sorted = new Float32Array(values);
    const count = Math.min(Math.floor(clip(0.003 * sorted.length, 6, 100)), sorted.length);
    Grids.select(sorted, sorted.length - count);
    return median(sorted.subarray(sorted.length - count));
  }

  // ---- From a picture to ink

  /* How much ink lies at each place, from 0 to 1, on paper of any colour under uneven light. */
  function findInk(pixels) {
    const seen = project(pixels);
    const { value } = seen;
    let ink = abovePaper(seen, broad(value));
    if (seen.usual === null) {
      const threshold = 0.5 * strongest(ink.values);
      const pen = strokeWidth(mask(ink, (value) => value > threshold));
      ink = abovePaper(seen, Math.floor(Math.min(PENS * pen, broad(value))) | 1);
    }
    const strong = strongest(ink.values);
    const noise = NOISE * median(ink.values.map(Math.abs));
    if (strong < Math.max(MIN_CONTRAST, 4.5 * noise)) blank();
    return withoutLines(map(ink, (value) => clip(value / strong, 0, 1)));
  }

  function blank() {
    throw new NoDigitError("holds no ink; it is blank, or the pen is too faint.");
  }

  const broad = ({ height, width }) => Math.max(round(0.4 * Math.min(height, width)), 3) | 1;

  const mean = (numbers) => numbers.reduce((total, number) => total + number, 0) / numbers.length;

  function abovePaper({ value, base, direction, usual }, size) {
    const paper = findPaper(value, size, usual);
    let ink = map(value, (seen, i) => seen - paper.values[i]);
    const [colour, darker] = [mean(base), mean(direction)];
    if (darker < 0) {
      // Dark ink takes a share of the light, and in a shadow there is less to take.
      const light = map(paper, (value) => colour + value * darker);
      const full = largest(light.values);
      ink = map(ink, (value, i) => value / clip(light.values[i] / full, 0.3, 1));
    }
    const middle = median(ink.values);
    return map(ink, (value) => value - middle);
  }

  /* One number a pixel, in the direction of colour in which the ink lies: the more, the more ink. */
  function project(pixels) {
    const base = pixels.map((plane) => median(plane.values));
    const differences = pixels.map((plane, c) => map(plane, (value) => value - base[c]));
    const [red, green, blue] = differences.map((plane) => plane.values);
    const strength = map(differences[0], (_, i) => Math.sqrt(red[i] ** 2 + green[i] ** 2 + blue[i] ** 2));
    const strong = strongest(strength.values);
    if (strong < MIN_CONTRAST) blank();
    const products = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    strength.values.forEach((length, i) => {
      if (length < 0.7 * strong) return; // paper, or the soft edge of a stroke
      const colour = [red[i], green[i], blue[i]];
      for (let k = 0; k < 9; k++) products[k] += colour[Math.floor(k / 3)] * colour[k % 3];
    });
    let direction = mainDirection(products);
    let value = map(strength, (_, i) => red[i] * direction[0] + green[i] * direction[1] + blue[i] * direction[2]);
    if (!isInkPositive(value)) {
      value = map(value, (number) => -number);
      direction = direction.map((number) => -number);
    }
    // Drawn on a screen, paper has one colour and no shadow.
    const { value: usual, count } = Grids.mode(value.values);
    return { value, base, direction, usual: count > 0.3 * value.values.length ? usual : null };
  }

  /* The direction in which a 3×3 matrix of products stretches most: its powers have nothing else left in the end. */
  function mainDirection(products) {
    let power = products;
    for (let step = 0; step < 30; step++) {
      const trace = power[0] + power[4] + power[8];
      const scaled = power.map((number) => number / trace);
      power = scaled.map((_, k) => {
        const [row, column] = [3 * Math.floor(k / 3), k % 3];
        return scaled[row] * scaled[column] + scaled[row + 1] * scaled[column + 3] + scaled[row + 2] * scaled[column + 6];
      });
    }
    const column = [0, 1, 2].reduce((best, k) => (power[4 * k] > power[4 * best] ? k : best), 0);
    const vector = [power[column], power[column + 3], power[column + 6]];
    return vector.map((number) => number / Math.hypot(...vector));
  }

  /* Most of a picture is paper, so its stronger differences are on the side of the ink; noise lies on both alike. */
  function isInkPositive(value) {
    const { height, width } = value;
    const small = reduce(value, 32);
    const middle = Grids.medianFilter(small, 2 * (small.height >> 2) + 1, 2 * (small.width >> 2) + 1);
    const light = Grids.resize(middle, height, width, "bilinear");
    // The tip of a shadow may reach in from the border, so the border counts less (Hann's window).
    const inner = (length) =>
      Array.from({ length }, (_, place) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (place + 1)) / (length + 1)));
    const [rows, columns] = [inner(height), inner(width)];
    let sum = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        const difference = value.values[i] - light.values[i];
        sum += rows[y] * columns[x] * difference * difference * difference;
      }
    }
    return sum >= 0;
  }

  /* The paper below the ink: what remains when everything narrower than a broad stroke is taken off the top. */
  function findPaper(value, size, usual) {
    if (usual !== null) return map(value, (number) => Math.min(usual, number));
    const { height, width } = value;
    const smooth = Grids.gaussian(value, Math.min(height, width) / 200);
    const opened = Grids.opening(Grids.pad(smooth, size, true), size);
    const low = Grids.crop(opened, size, size + height, size, size + width);
    // At the edge of a shadow the picture itself is sharper than the smooth one. That difference is no ink, either.
    return map(value, (number, i) => {
      const below = low.values[i];
      return Math.min(Math.max(below, number - 3 * (smooth.values[i] - below)), number);
    });
  }

  /* Take away ruled and squared lines: what is there, weaker than the pen, nearly all along a row or a column. */
  function withoutLines(ink) {
    for (let turn = 0; turn < 2; turn++) {
      const { profile, row } = alongRows(ink, slopeOfLines(ink));
      // A sharp line climbs in steps, so it leaves its row by a pixel.
      const widened = profile.map((_, y) => Math.max(...profile.subarray(Math.max(y - 1, 0), y + 2)));
      const cleaned = map(ink, (value, i) => {
        const height = widened[row(Math.floor(i / ink.width), i % ink.width)];
        const line = height < 0.6 ? height : 0;
        // Where there is much more ink than the line's, it is the pen's, which covers the line.
        return clip(value - clip(3 * line - value, 0, line), 0, 1);
      });
      ink = Grids.transpose(cleaned);
    }
    return ink;
  }

  /* How steep the lines are that there may be, in pixels downwards for each pixel to the right. */
  function slopeOfLines(ink) {
    const rough = reduce(ink, 128);
    let slope = 0;
    if (Math.min(rough.height, rough.width) <= 60) return slope;
    // First roughly, then where it shows whether a thin line is met all along. Every hundredth of it will do.
    for (const [grid, reach] of [[rough, 0.1], [ink, 0.015]]) {
      const step = Math.max(Math.floor(grid.width / 100), 1);
      const few = make(
        grid.height, Math.ceil(grid.width / step), grid.values.filter((_, i) => (i % grid.width) % step === 0)
      );
      const slopes = Array.from({ length: 31 }, (_, i) => slope + (reach * (i - 15)) / 15);
      const powers = slopes.map((some) =>
        alongRows(few, step * some).profile.reduce((total, value) => total + value * value, 0)
      );
      const best = slopes.filter((_, i) => powers[i] >= 0.99 * Math.max(...powers));
      const middle = best.reduce((total, some) => total + some, 0) / best.length;
      slope = round(1e6 * middle) / 1e6; // so that last digits, which differ from Python's, move no column
    }
    return slope;
  }

  /* What three quarters of each row exceed, and in which of these rows each pixel lies; the rows may climb. */
  function alongRows({ height, width, values }, slope) {
    const shift = Array.from({ length: width }, (_, x) => round(slope * (x - width / 2)));
    const wrap = (y) => (y < 0 ? y + height : y < height ? y : y - height);
    const quarter = width >> 2;
    const line = new Float32Array(width);
    const profile = new Float32Array(height);
    for (let y = 0; y < height; y++) {
      let blank = 0;
      for (let x = 0; x < width; x++) {
        line[x] = values[wrap(y + shift[x]) * width + x];
        if (line[x] === 0) blank++;
      }
      if (blank <= quarter) profile[y] = Grids.select(line, quarter); // else it is 0, for no ink is negative
    }
    return { profile, row: (y, x) => wrap(y - shift[x]) };
  }

  function reduce(grid, side) {
    const scale = Math.max(grid.height, grid.width) / side;
    if (scale <= 1) return grid;
    const [height, width] = [grid.height, grid.width].map((length) => Math.max(round(length / scale), 1));
    return Grids.resize(grid, height, width, "hamming");
  }

  // ---- From ink to strokes and a digit

  function mask(grid, test) {
    return map(grid, (value, i) => (test(value, i) ? 1 : 0), new Uint8Array(grid.values.length));
  }

  /* Of each connected part something that is added up, or compared, over its pixels. */
  function overParts({ labels, boxes }, values, combine, start) {
    const results = new Array(boxes.length).fill(start);
    labels.values.forEach((part, i) => {
      if (part) results[part - 1] = combine(results[part - 1], values[i]);
    });
    return results;
  }

  const sums = (parts, values) => overParts(parts, values, (total, value) => total + value, 0);

  const longerSide = (box) => Math.max(box.bottom - box.top, box.right - box.left);

  /* Which pixels are strokes: connected parts that are strong somewhere, and no specks. */
  function findStrokes(ink) {
    const smooth = Math.min(ink.height, ink.width) > 100 ? Grids.gaussian(ink, 0.7) : ink;
    const faint = smooth.values.filter((value) => value < 0.3);
    const middle = median(faint);
    const noise = faint.length ? NOISE * median(faint.map((value) => Math.abs(value - middle))) : 0;
    const threshold = clip(5 * noise, 0.15, 0.3);
    const parts = Grids.label(mask(smooth, (value) => value > threshold));
    const weights = sums(parts, ink.values);
    const peaks = overParts(parts, smooth.values, Math.max, 0);
    const least = 0.02 * Math.max(0, ...weights);
    const keep = parts.boxes.map((box, k) => peaks[k] > 0.5 && weights[k] > least && !isFold(parts, k));
    if (!keep.some(Boolean)) {
      throw new NoDigitError("holds no strokes, only specks, noise, or a line from edge to edge.");
    }
    return mask(parts.labels, (part) => part && keep[part - 1]);
  }

  /* Whether a part is a thin line from one edge of the picture to another: a fold, or the edge of a shadow. */
  function isFold({ labels, boxes }, k) {
    const box = boxes[k];
    const edges = [box.top === 0, box.bottom === labels.height, box.left === 0, box.right === labels.width];
    if (edges.filter(Boolean).length < 2) return false;
    let count = 0;
    for (const part of labels.values) if (part === k + 1) count++;
    return count < 0.03 * longerSide(box) ** 2;
  }

  /* The part of the strokes that holds most of the ink, with what lies close by. */
  function chooseDigit(strokes, ink) {
    const parts = Grids.label(strokes);
    const { labels, boxes } = parts;
    const weights = sums(parts, ink.values);
    const atEdge = new Uint8Array(labels.values.length).fill(1);
    for (let y = 1; y < labels.height - 1; y++) atEdge.fill(0, y * labels.width + 1, (y + 1) * labels.width - 1);
    // What runs along the edge is a frame, a shadow or a neighbour; a digit may touch it.
    const along = sums(parts, atEdge).map((count, k) => count / longerSide(boxes[k]) > 0.3);
    const scores = weights.map((weight, k) => weight * (along[k] ? 0.1 : 1));
    const main = scores.indexOf(Math.max(...scores));
    const reach = 0.25 * longerSide(boxes[main]);
    const chosen = boxes.map(
      (box, k) => k === main || (gap(box, boxes[main]) < reach && !along[k] && weights[k] > 0.03 * weights[main])
    );
    return mask(labels, (part) => part && chosen[part - 1]);
  }

  /* How far apart two boxes are, along the axis that separates them most; below 0 where they overlap. */
  function gap(one, other) {
    const rows = Math.max(one.top - other.bottom, other.top - one.bottom);
    return Math.max(rows, one.left - other.right, other.left - one.right);
  }

  function bounds({ height, width, values }) {
    const box = { top: height, bottom: 0, left: width, right: 0 };
    values.forEach((value, i) => {
      if (!value) return;
      const [y, x] = [Math.floor(i / width), i % width];
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
    });
    return box;
  }

  /* Mean width of the strokes in pixels, by how far their inner pixels lie from paper; infinite if there are none. */
  function strokeWidth(strokes) {
    const inside = Grids.squaredDistances(Grids.pad(strokes, 1)).values.filter((distance) => distance > 0);
    if (inside.length === 0) return Infinity;
    // Over a stroke w pixels wide the mean distance is about (w + 2) / 4.
    return (4 * inside.reduce((total, square) => total + Math.sqrt(square), 0)) / inside.length - 1;
  }

  // ---- From strokes to MNIST

  function finish([red, green, blue], ink, strokes, digit) {
    const { height, width } = ink;
    const margin = Math.max(round(Math.min(height, width) / 100), 1); // the soft edge of the strokes
    const around = Grids.dilate(digit, margin).values;
    const alone = map(ink, (value, i) => {
      const foreign = strokes.values[i] && !digit.values[i];
      return around[i] && !foreign && value > 0.1 ? value : 0;
    });
    const { top, bottom, left, right } = bounds(alone);
    const inside = Grids.crop(digit, top, bottom, left, right).values;
    const cut = Grids.crop(alone, top, bottom, left, right);
    const full = Math.max(percentile(cut.values.filter((_, i) => inside[i]), 75), 0.1);
    const clear = map(cut, (value) => clip(value / full, 0, 1));
    const pen = strokeWidth(mask(clear, (value) => value > 0.5));
    const square = makeSquare(withPenOfMnist(clear, (pen * SQUARE) / Math.max(cut.height, cut.width)));
    return {
      image: Uint8Array.from(placeDigit(square).values, (value) => round(255 * value)),
      stages: {
        picture: map(red, (value, i) => (value + green.values[i] + blue.values[i]) / 3),
        ink,
        digit: alone,
        square,
      },
      box: [left / width, top / height, right / width, bottom / height],
    };
  }

  /* Thicken the strokes of a pen that would hardly be seen among 20 pixels. */
  function withPenOfMnist(cut, thickness) {
    if (thickness >= THINNEST) return cut;
    const factor = (4 * SQUARE) / Math.max(cut.height, cut.width);
    const [height, width] = [cut.height, cut.width].map((length) => Math.max(round(length * factor), 1));
    // The digit grows with its strokes, on both sides, and is made smaller again afterwards.
    const radius = (2 * (THINNEST - thickness)) / (1 - THINNEST / SQUARE);
    const whole = Math.ceil(radius);
    const padded = Grids.pad(Grids.resize(cut, height, width, "bilinear"), whole);
    const thick = make(padded.height, padded.width);
    for (let dy = -whole; dy <= whole; dy++) {
      for (let dx = -whole; dx <= whole; dx++) {
        if (Math.hypot(dy, dx) > radius + 0.3) continue;
        for (let y = Math.max(-dy, 0); y < Math.min(thick.height, thick.height - dy); y++) {
          for (let x = Math.max(-dx, 0); x < Math.min(thick.width, thick.width - dx); x++) {
            const value = padded.values[(y + dy) * thick.width + x + dx];
            const i = y * thick.width + x;
            if (value > thick.values[i]) thick.values[i] = value;
          }
        }
      }
    }
    // A hairline is pale wherever it lies between two pixels; a thicker pen would not be.
    const least = 0.3 * largest(thick.values);
    const full = percentile(thick.values.filter((value) => value > least), 25);
    return map(thick, (value) => clip(value / full, 0, 1));
  }

  function makeSquare(cut) {
    const side = Math.max(cut.height, cut.width);
    const square = make(side, side);
    const [top, left] = [(side - cut.height) >> 1, (side - cut.width) >> 1];
    for (let y = 0; y < cut.height; y++) {
      square.values.set(cut.values.subarray(y * cut.width, (y + 1) * cut.width), (top + y) * side + left);
    }
    return square;
  }

  /* Each new pixel is the mean over the area that it covers. */
  function averageAreas(square, size) {
    const scale = square.height / size;
    const alongRows = (from) => {
      const result = make(from.height, size, new Float64Array(from.height * size));
      for (let y = 0; y < from.height; y++) {
        for (let x = 0; x < size; x++) {
          const [start, end] = [x * scale, (x + 1) * scale];
          let sum = 0;
          for (let old = Math.floor(start); old < Math.min(end, from.width); old++) {
            sum += (Math.min(end, old + 1) - Math.max(start, old)) * from.values[y * from.width + old];
          }
          result.values[y * size + x] = sum / scale;
        }
      }
      return result;
    };
    return Grids.transpose(alongRows(Grids.transpose(alongRows(square))));
  }

  /* 20 pixels long, by area, the centre of mass in the middle of 28×28 pixels. */
  function placeDigit(square) {
    const small = averageAreas(square, SQUARE).values;
    const most = largest(small);
    let [mass, rows, columns] = [0, 0, 0];
    small.forEach((value, i) => {
      mass += value;
      rows += value * Math.floor(i / SQUARE);
      columns += value * (i % SQUARE);
    });
    // By whole pixels, so that the centre comes to lie above 13.5 and up to 14.5, as it does in MNIST.
    const [top, left] = [rows, columns].map((moment) => clip(Math.floor(14.5 - moment / mass), 0, 8));
    const image = make(28, 28);
    small.forEach((value, i) => {
      image.values[(top + Math.floor(i / SQUARE)) * 28 + left + (i % SQUARE)] = value / most;
    });
    return image;
  }

  return { prepareDigit, paperOf, NoDigitError };
})();
