/* The forward pass of the book's network: 28×28 pixels in, ten probabilities out.

   Four kinds of steps are enough: convolution, ReLU, a dense layer, and softmax. Batch normalisation is missing because
   it has been folded away: when the network reads, it multiplies each channel by a number and adds another, so these
   numbers were multiplied into the filters and added to the bias beforehand.

   The values of a layer are an array of shape (height, width, channels), stored row by row and pixel by pixel, as in
   Keras: value (y, x, c) stands at place (y * width + x) * channels + c. */

const Network = (() => {
  /* Make a network of the weights that the package exports: bytes from -127 to 127, and for each filter the number that
     a byte has to be multiplied by. */
  function load({ layers, temperature, threshold }) {
    const unpacked = layers.map((layer) => {
      const bytes = Int8Array.from(atob(layer.weights), (character) => character.charCodeAt(0));
      const filters = layer.scales.length;
      return { ...layer, weights: Float32Array.from(bytes, (byte, i) => byte * layer.scales[i % filters]) };
    });
    return { layers: unpacked, temperature, threshold };
  }

  /* Read one image, 784 numbers from 0 (paper) to 255 (ink).

     Returns the ten probabilities, and what every convolution found: its maps, for looking at. */
  function read(network, image) {
    let values = { height: 28, width: 28, channels: 1, data: Float32Array.from(image, (pixel) => pixel / 255) };
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

  /* Slide every filter over the image. Where a pixel is 0, it adds nothing to any filter, and is passed over.

     The weights of a layer have the shape (size, size, channels in, filters). */
  function convolve(input, { size, strides, scales, biases, weights }) {
    const filters = scales.length;
    const height = Math.ceil(input.height / strides);
    const width = Math.ceil(input.width / strides);
    // "same" padding: zeros around the image, so that the last window fits; the odd one goes to the bottom right.
    const above = Math.floor(Math.max((height - 1) * strides + size - input.height, 0) / 2);
    const before = Math.floor(Math.max((width - 1) * strides + size - input.width, 0) / 2);
    const data = new Float32Array(height * width * filters);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const output = data.subarray((y * width + x) * filters, (y * width + x + 1) * filters);
        output.set(biases);
        for (let row = 0; row < size; row++) {
          const inputY = y * strides + row - above;
          if (inputY < 0 || inputY >= input.height) continue;
          for (let column = 0; column < size; column++) {
            const inputX = x * strides + column - before;
            if (inputX < 0 || inputX >= input.width) continue;
            const pixel = (inputY * input.width + inputX) * input.channels;
            for (let channel = 0; channel < input.channels; channel++) {
              const value = input.data[pixel + channel];
              if (value === 0) continue;
              const start = ((row * size + column) * input.channels + channel) * filters;
              for (let filter = 0; filter < filters; filter++) output[filter] += value * weights[start + filter];
            }
          }
        }
      }
    }
    return { height, width, channels: filters, data };
  }

  /* What speaks against a feature counts as nothing. */
  function relu(values) {
    return { ...values, data: values.data.map((value) => Math.max(value, 0)) };
  }

  /* Every output is a weighted sum of all inputs. The weights have the shape (inputs, outputs). */
  function dense(input, { biases, weights }) {
    const outputs = biases.length;
    const data = Float32Array.from(biases);
    input.data.forEach((value, i) => {
      for (let output = 0; output < outputs; output++) data[output] += value * weights[i * outputs + output];
    });
    return { data };
  }

  /* Make probabilities of any ten numbers. The temperature was chosen so that a probability of 90 % is right nine times
     in ten. */
  function softmax(numbers, temperature) {
    const largest = Math.max(...numbers);
    const powers = Array.from(numbers, (number) => Math.exp((number - largest) / temperature));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }

  return { load, read };
})();
