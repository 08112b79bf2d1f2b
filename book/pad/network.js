/* The forward pass of the book's network: 28×28 pixels in, ten probabilities out.

   Four kinds of steps are enough: convolution, ReLU, a dense layer, and softmax.
   Batch normalisation is missing because it has been folded away: when the network
   reads, it multiplies each channel by a number and adds another, so these numbers
   were multiplied into the filters and added to the biases beforehand.

   The values of a layer are an array of shape (height, width, channels), stored row
   by row and pixel by pixel, as in Keras: value (y, x, c) stands at place
   (y * width + x) * channels + c. */

const Network = (() => {
  /* Make a network of the weights that the package exports: bytes from -127 to 127,
     and for each filter the number that its bytes have to be multiplied by. */
  function load({ layers, temperature, threshold }) {
    const unpack = ({ weights, scales, ...layer }) => {
      const bytes = Int8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
      const scaled = (byte, i) => byte * scales[i % scales.length];
      return { ...layer, weights: Float32Array.from(bytes, scaled) };
    };
    return { layers: layers.map(unpack), temperature, threshold };
  }

  /* Read one image, 784 numbers from 0 (paper) to 255 (ink).

     Returns the ten probabilities, and the maps: what each convolution has found. */
  function read(network, image) {
    const pixels = Float32Array.from(image, (pixel) => pixel / 255);
    let values = { height: 28, width: 28, channels: 1, data: pixels };
    const maps = [];
    for (const layer of network.layers) {
      if (layer.kind === "convolution") {
        values = relu(convolve(values, layer));
        maps.push(values);
      } else {
        values = dense(values, layer);
      }
    }
    return { probabilities: softmax(values.data, network.temperature), maps };
  }

  /* Slide every filter over the image, and add up what lies under it, weighted.

     The weights have the shape (size, size, channels of the image, filters). */
  function convolve(image, { size, strides, biases, weights }) {
    const filters = biases.length;
    const [height, above] = windows(image.height, size, strides);
    const [width, before] = windows(image.width, size, strides);
    const data = new Float32Array(height * width * filters);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const start = (y * width + x) * filters;
        const sums = data.subarray(start, start + filters);
        sums.set(biases);
        for (let row = 0; row < size; row++) {
          const imageY = y * strides + row - above;
          if (imageY < 0 || imageY >= image.height) continue;
          for (let column = 0; column < size; column++) {
            const imageX = x * strides + column - before;
            if (imageX < 0 || imageX >= image.width) continue;
            const pixel = (imageY * image.width + imageX) * image.channels;
            const weight = (row * size + column) * image.channels * filters;
            for (let channel = 0; channel < image.channels; channel++) {
              const value = image.data[pixel + channel];
              if (value === 0) continue; // most are, and add nothing to any filter
              const first = weight + channel * filters;
              for (let filter = 0; filter < filters; filter++) {
                sums[filter] += value * weights[first + filter];
              }
            }
          }
        }
      }
    }
    return { height, width, channels: filters, data };
  }

  /* How many windows fit along a side, and how many zeros stand before the first one.

     "same" padding: there are as many zeros around the image as the last window
     needs; if their number is odd, the one more stands after the image. */
  function windows(length, size, strides) {
    const count = Math.ceil(length / strides);
    const zeros = Math.max((count - 1) * strides + size - length, 0);
    return [count, Math.floor(zeros / 2)];
  }

  /* What speaks against a feature counts as nothing. */
  function relu(values) {
    return { ...values, data: values.data.map((value) => Math.max(value, 0)) };
  }

  /* Every output is a weighted sum of all inputs; the weights have the shape
     (inputs, outputs). */
  function dense(input, { biases, weights }) {
    const data = Float32Array.from(biases);
    input.data.forEach((value, i) => {
      for (let output = 0; output < data.length; output++) {
        data[output] += value * weights[i * data.length + output];
      }
    });
    return { data };
  }

  /* Make probabilities of any ten numbers. The temperature was chosen on validation
     images, so that of all answers with 90% about nine in ten are right. */
  function softmax(numbers, temperature) {
    const largest = Math.max(...numbers); // so that no power becomes infinite
    const power = (number) => Math.exp((number - largest) / temperature);
    const powers = Array.from(numbers, power);
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }

  return { load, read };
})();
