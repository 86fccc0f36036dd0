"""A trait for things that are never compared with each other, only exchanged."""

from typing import Any

from traitlets import HasTraits, TraitType


class Whole(TraitType):
    """Anything; a value is another one unless it is the very same object.

    Whether two Datasets are equal is a Dataset, which counts as true; an ordinary trait would take any Dataset for the
    one that it holds, and tell nobody.
    """

    default_value = None
    info_text = "anything"

    def set(self, obj: HasTraits, value: Any) -> None:
        """Set the trait of an object, and tell its observers.

        Parameters
        ----------
        obj : traitlets.HasTraits
            Whose trait it is.
        value : object
            The value.
        """
        before = obj._trait_values.get(self.name, self.default_value)
        obj._trait_values[self.name] = self._validate(obj, value)
        if before is not value:
            obj._notify_trait(self.name, before, value)
