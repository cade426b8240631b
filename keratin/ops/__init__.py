"""The ops of Keras, each one body over the primitives."""
