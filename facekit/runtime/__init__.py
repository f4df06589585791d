"""Running networks: device, weights files, onnxruntime and torch behind one protocol."""
