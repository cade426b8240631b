"""Training data: arrays and streams of all kinds behind one interface, on the host."""

from keratin.data.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from keratin.data.sequences import PyDataset
from keratin.data.sources import ArraySource, StreamSource, as_source

__all__ = [
    "ArraySource",
    "PyDataset",
    "StreamSource",
    "as_source",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
]
