"""Collections for the state of a stream: one more element makes a new one beside the old one, and copies neither.

A fold makes a state of every event. With a frozenset or a tuple each of them would copy what was there before: of a
stream that has 20,000 things open, 20,000 names for every further one. Here both share what they have in common
(hash tries of `rpds`), and equal the frozenset or tuple of the same elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Generic, TypeVar, overload

from rpds import HashTrieMap, HashTrieSet

K = TypeVar("K")
T = TypeVar("T")


class GrowingMap(Mapping[K, T], Generic[K, T]):
    """A mapping to which adding costs the same however large it is."""

    __slots__ = ("_elements",)

    def __init__(self, elements: Iterable[tuple[K, T]] | HashTrieMap[K, T] = ()) -> None:
        self._elements = elements if isinstance(elements, HashTrieMap) else HashTrieMap(elements)

    def __getitem__(self, key: K) -> T:
        return self._elements[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def insert(self, key: K, element: T) -> GrowingMap[K, T]:
        """The same with this element under the key."""
        return GrowingMap(self._elements.insert(key, element))

    def without(self, key: K) -> GrowingMap[K, T]:
        """The same without what is under the key, if anything is."""
        return GrowingMap(self._elements.discard(key))

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    def __repr__(self) -> str:
        return f"GrowingMap({dict(self)!r})"


class GrowingSet(AbstractSet[T], Generic[T]):
    """A frozenset to which adding costs the same however large it is; and so does taking away."""

    __slots__ = ("_elements",)

    def __init__(self, elements: Iterable[T] = ()) -> None:
        self._elements = elements if isinstance(elements, HashTrieSet) else HashTrieSet(elements)

    def __contains__(self, element: object) -> bool:
        return element in self._elements

    def __iter__(self) -> Iterator[T]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __or__(self, more: Iterable[T]) -> GrowingSet[T]:  # type: ignore[override]  # of the same kind of elements
        elements = self._elements
        for element in more:
            elements = elements.insert(element)
        return GrowingSet(elements)

    def __sub__(self, less: Iterable[Any]) -> GrowingSet[T]:
        elements = self._elements
        for element in less:
            elements = elements.discard(element)
        return GrowingSet(elements)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return f"GrowingSet({sorted(map(repr, self))})"


class GrowingTuple(Sequence[T], Generic[T]):
    """A tuple to which adding at the end costs the same however long it is; and so does changing one element."""

    __slots__ = ("_by_place",)

    def __init__(self, elements: Iterable[T] | HashTrieMap[int, T] = ()) -> None:
        self._by_place: HashTrieMap[int, T] = (
            elements if isinstance(elements, HashTrieMap) else HashTrieMap(enumerate(elements))
        )

    def __len__(self) -> int:
        return len(self._by_place)

    def __iter__(self) -> Iterator[T]:
        return (self._by_place[place] for place in range(len(self)))

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        if isinstance(place, slice):
            return tuple(self._by_place[n] for n in range(*place.indices(len(self))))
        try:
            return self._by_place[place + len(self) if place < 0 else place]
        except KeyError:
            raise IndexError(place) from None

    def plus(self, *more: T) -> GrowingTuple[T]:
        """The same with more elements at the end."""
        by_place = self._by_place
        for element in more:
            by_place = by_place.insert(len(by_place), element)
        return GrowingTuple(by_place)

    def changed(self, place: int, element: T) -> GrowingTuple[T]:
        """The same with another element at a place, counted from 0."""
        return GrowingTuple(self._by_place.insert(range(len(self))[place], element))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple | GrowingTuple):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"GrowingTuple({tuple(self)!r})"
