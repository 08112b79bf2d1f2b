/* Arithmetic on pictures: what NumPy, SciPy and Pillow do for handwriting.py, as far as prepare.js needs it.

   A grid is {height, width, values}, the values row by row. Results agree with those of Python but for the last digits
   of a number; the tests of the pad hold them to it. */

const Grids = (() => {
  const make = (height, width, values = new Float32Array(height * width)) => ({ height, width, values });

  /* A loop in place of Float32Array.from, which asks for value after value and takes many times as long. */
  function map({ height, width, values }, change, result = new Float32Array(values.length)) {
    for (let i = 0; i < values.length; i++) result[i] = change(values[i], i);
    return make(height, width, result);
  }

  // Python's round: a half goes to the even neighbour.
  function round(number) {
    const below = Math.floor(number);
    const rest = number - below;
    return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
  }

  const clip = (number, low, high) => Math.min(Math.max(number, low), high);

  // ---- One number of many

  /* The value at a place of the sorted order. The values are moved about in their array (Hoare's quickselect). */
  function select(values, place) {
    let left = 0;
    let right = values.length - 1;
    while (left < right) {
      const pivot = values[(left + right) >> 1];
      let i = left;
      let j = right;
      while (i <= j) {
        while (values[i] < pivot) i++;
        while (values[j] > pivot) j--;
        if (i <= j) {
          const kept = values[i];
          values[i++] = values[j];
          values[j--] = kept;
        }
      }
      if (place <= j) right = j;
      else if (place >= i) left = i;
      else break;
    }
    return values[place];
  }

  /* Between the two nearest values, in proportion; the values are moved about. */
  function percentile(values, percent) {
    const place = (percent / 100) * (values.length - 1);
    const below = Math.floor(place);
    const low = select(values, below);
    if (place === below) return low;
    let high = Infinity;
    for (let i = below + 1; i < values.length; i++) high = Math.min(high, values[i]);
    return low + (place - below) * (high - low);
  }

  const median = (values) => (values.length ? percentile(new Float32Array(values), 50) : NaN);

  function largest(values) {
    let most = -Infinity;
    for (const value of values) if (value > most) most = value;
    return most;
  }

  /* The value that occurs most often, the smallest of several, and how often. */
  function mode(values) {
    const sorted = new Float32Array(values).sort();
    let best = sorted[0];
    let count = 0;
    for (let i = 0, start = 0; i < sorted.length; i++) {
      if (sorted[i] !== sorted[start]) start = i;
      if (i - start + 1 > count) {
        count = i - start + 1;
        best = sorted[i];
      }
    }
    return { value: best, count };
  }

  // ---- Size

  const filters = {
    bilinear: (x) => Math.max(1 - Math.abs(x), 0),
    hamming: (x) => {
      if (x === 0) return 1;
      if (Math.abs(x) >= 1) return 0;
      return (Math.sin(Math.PI * x) / (Math.PI * x)) * (0.54 + 0.46 * Math.cos(Math.PI * x));
    },
  };

  /* Pillow's resize: each new pixel is a weighted mean of the old ones around it, by as many as the scale asks for. */
  function resize(grid, height, width, filter) {
    return transpose(resizeRows(transpose(resizeRows(grid, width, filters[filter])), height, filters[filter]));
  }

  function resizeRows(grid, width, filter) {
    if (width === grid.width) return grid;
    const result = make(grid.height, width);
    const scale = grid.width / width;
    const reach = Math.max(scale, 1);
    for (let x = 0; x < width; x++) {
      const centre = (x + 0.5) * scale;
      const first = Math.max(Math.floor(centre - reach + 0.5), 0);
      const last = Math.min(Math.floor(centre + reach + 0.5), grid.width);
      const weights = [];
      for (let old = first; old < last; old++) weights.push(filter((old - centre + 0.5) / reach));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      for (let y = 0; y < grid.height; y++) {
        let value = 0;
        for (let i = 0; i < weights.length; i++) value += weights[i] * grid.values[y * grid.width + first + i];
        result.values[y * width + x] = value / sum;
      }
    }
    return result;
  }

  function transpose(grid) {
    const { height, width, values } = grid;
    const result = make(width, height, new values.constructor(values.length));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) result.values[x * height + y] = values[y * width + x];
    }
    return result;
  }

  function crop(grid, top, bottom, left, right) {
    const result = make(bottom - top, right - left, new grid.values.constructor((bottom - top) * (right - left)));
    for (let y = top; y < bottom; y++) {
      const row = grid.values.subarray(y * grid.width + left, y * grid.width + right);
      result.values.set(row, (y - top) * result.width);
    }
    return result;
  }

  /* A wider grid with the old one in it: around it lies zero, or what is nearest. */
  function pad(grid, by, nearest = false) {
    const [height, width] = [grid.height + 2 * by, grid.width + 2 * by];
    const result = make(height, width, new grid.values.constructor(height * width));
    for (let y = 0; y < result.height; y++) {
      for (let x = 0; x < result.width; x++) {
        const oldY = clip(y - by, 0, grid.height - 1);
        const oldX = clip(x - by, 0, grid.width - 1);
        const inside = oldY === y - by && oldX === x - by;
        if (inside || nearest) result.values[y * result.width + x] = grid.values[oldY * grid.width + oldX];
      }
    }
    return result;
  }

  // ---- Neighbours

  /* Blur; beyond the edge the picture is mirrored, the last pixel included. */
  function gaussian(grid, sigma) {
    const radius = Math.floor(4 * sigma + 0.5);
    const weights = [];
    for (let i = -radius; i <= radius; i++) weights.push(Math.exp((-0.5 * i * i) / (sigma * sigma)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const blurColumns = (from) => {
      const { height, width, values } = from;
      const result = make(height, width);
      for (let y = 0; y < height; y++) {
        const row = new Float64Array(width);
        for (let i = -radius; i <= radius; i++) {
          const start = mirror(y + i, height) * width;
          const weight = weights[i + radius] / sum;
          for (let x = 0; x < width; x++) row[x] += weight * values[start + x];
        }
        result.values.set(row, y * width);
      }
      return result;
    };
    return transpose(blurColumns(transpose(blurColumns(grid))));
  }

  function mirror(place, length) {
    const period = 2 * length;
    const within = ((place % period) + period) % period;
    return within < length ? within : period - 1 - within;
  }

  /* What remains when everything that a square does not fit into is taken off the top: a minimum over squares, then a
     maximum. Nearer to the edge than the size of the square, which is odd, the result is of no use: pad the grid. */
  function opening(grid, size) {
    const negative = (from) => map(from, (value) => -value);
    const highest = (from) => transpose(highestInColumns(transpose(highestInColumns(from, size)), size));
    return highest(negative(highest(negative(grid))));
  }

  /* The maximum over windows in three steps for each pixel, however wide they are (van Herk, 1992; Gil & Werman, 1993):
     running maxima from the start and from the end of each block of as many pixels, and the larger of two of them. */
  function highestInColumns(grid, size) {
    const { height, width, values } = grid;
    const half = size >> 1;
    const down = values.slice();
    const up = values.slice();
    const larger = (array, y, than) => {
      for (let x = 0; x < width; x++) {
        const other = array[than * width + x];
        if (other > array[y * width + x]) array[y * width + x] = other;
      }
    };
    for (let y = 1; y < height; y++) if (y % size !== 0) larger(down, y, y - 1);
    for (let y = height - 2; y >= 0; y--) if ((y + 1) % size !== 0) larger(up, y, y + 1);
    const result = make(height, width);
    for (let y = half; y < height - half; y++) {
      for (let x = 0; x < width; x++) {
        result.values[y * width + x] = Math.max(up[(y - half) * width + x], down[(y + half) * width + x]);
      }
    }
    return result;
  }

  /* The median over windows; beyond the edge the picture is mirrored, without the last pixel. */
  function medianFilter(grid, windowHeight, windowWidth) {
    const { height, width, values } = grid;
    const fold = (place, length) => {
      const period = Math.max(2 * length - 2, 1);
      const within = ((place % period) + period) % period;
      return within < length ? within : period - within;
    };
    const window = new Float32Array(windowHeight * windowWidth);
    const result = make(height, width);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let count = 0;
        for (let dy = -(windowHeight >> 1); dy <= windowHeight >> 1; dy++) {
          const row = fold(y + dy, height) * width;
          for (let dx = -(windowWidth >> 1); dx <= windowWidth >> 1; dx++) {
            window[count++] = values[row + fold(x + dx, width)];
          }
        }
        result.values[y * width + x] = select(window, count >> 1);
      }
    }
    return result;
  }

  /* Grow what is not zero by so many pixels in every direction, corners too. */
  function dilate(mask, by) {
    const grow = (from) => {
      const result = make(from.height, from.width, new Uint8Array(from.values.length));
      for (let y = 0; y < from.height; y++) {
        for (let other = Math.max(y - by, 0); other <= Math.min(y + by, from.height - 1); other++) {
          for (let x = 0; x < from.width; x++) result.values[y * from.width + x] |= from.values[other * from.width + x];
        }
      }
      return result;
    };
    return transpose(grow(transpose(grow(mask))));
  }

  /* Squared distance of each pixel to the nearest zero (Felzenszwalb & Huttenlocher, 2012): first along the columns,
     then along the rows the lowest of the parabolas that stand on what was found. */
  function squaredDistances(mask) {
    const { height, width } = mask;
    const FAR = 1e12;
    const line = (given) => {
      const result = new Float64Array(given.length);
      const at = [0];
      const from = [-Infinity];
      for (let q = 1; q < given.length; q++) {
        let start;
        do {
          const p = at[at.length - 1];
          start = (given[q] + q * q - given[p] - p * p) / (2 * (q - p));
          if (start > from[from.length - 1]) break;
          at.pop();
          from.pop();
        } while (at.length);
        at.push(q);
        from.push(at.length === 1 ? -Infinity : start);
      }
      for (let q = 0, k = 0; q < given.length; q++) {
        while (k + 1 < at.length && from[k + 1] < q) k++;
        result[q] = (q - at[k]) ** 2 + given[at[k]];
      }
      return result;
    };
    const columns = make(width, height, new Float64Array(width * height));
    for (let x = 0; x < width; x++) {
      const given = new Float64Array(height);
      for (let y = 0; y < height; y++) given[y] = mask.values[y * width + x] ? FAR : 0;
      columns.values.set(line(given), x * height);
    }
    const rows = transpose(columns);
    for (let y = 0; y < height; y++) rows.values.set(line(rows.values.slice(y * width, (y + 1) * width)), y * width);
    return rows;
  }

  /* Number the connected parts of a mask, from 1, in the order in which a reader meets them; corners connect.

     Returns the labels, and for each part its box: {top, bottom, left, right}, bottom and right not included. */
  function label(mask) {
    const { height, width, values } = mask;
    const labels = make(height, width, new Int32Array(values.length));
    const boxes = [];
    const waiting = [];
    for (let start = 0; start < values.length; start++) {
      if (!values[start] || labels.values[start]) continue;
      const box = { top: height, bottom: 0, left: width, right: 0 };
      boxes.push(box);
      labels.values[start] = boxes.length;
      waiting.push(start);
      while (waiting.length) {
        const place = waiting.pop();
        const x = place % width;
        const y = (place - x) / width;
        box.top = Math.min(box.top, y);
        box.bottom = Math.max(box.bottom, y + 1);
        box.left = Math.min(box.left, x);
        box.right = Math.max(box.right, x + 1);
        for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ny++) {
          for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); nx++) {
            const next = ny * width + nx;
            if (values[next] && !labels.values[next]) {
              labels.values[next] = boxes.length;
              waiting.push(next);
            }
          }
        }
      }
    }
    return { labels, boxes };
  }

  return {
    make, map, round, clip, percentile, median, largest, mode, select, resize, transpose, crop, pad,
    gaussian, opening, medianFilter, dilate, squaredDistances, label,
  };
})();
