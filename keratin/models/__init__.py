"""Models: stacks, graphs and subclasses."""

from keratin.models.cloning import clone_model, model_from_json
from keratin.models.functional import Functional
from keratin.models.model import Model
from keratin.models.sequential import Sequential
from keratin.saving import load_model, save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
