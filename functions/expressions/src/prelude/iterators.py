def _nuncio_eager_map(function, items, *more):
    if more:
        return [function(*each) for each in _nuncio_eager_zip(items, *more)]
    return [function(item) for item in items]
def _nuncio_eager_filter(function, items):
    if function is None:
        return [item for item in items if item]
    return [item for item in items if function(item)]
def _nuncio_iterator(items):
    return iter(items)
def _nuncio_any(step, items):
    for item in items:
        for found in step(item):
            if found:
                return True
    return False
def _nuncio_all(step, items):
    for item in items:
        for found in step(item):
            if not found:
                return False
    return True
def _nuncio_find(step, items):
    for item in items:
        for found in step(item):
            return [found]
    return []
def _nuncio_find_in(step, items):
    for item in items:
        for found in step(item):
            if found:
                return found
    return []
def _nuncio_taken(found, *default):
    if found:
        return found[0]
    if default:
        return default[0]
    raise StopIteration
def _nuncio_any_map(function, items):
    for item in items:
        if function(item):
            return True
    return False
def _nuncio_all_map(function, items):
    for item in items:
        if not function(item):
            return False
    return True
def _nuncio_find_map(function, items):
    for item in items:
        return [function(item)]
    return []
def _nuncio_find_filter(function, items):
    for item in items:
        if item if function is None else function(item):
            return [item]
    return []
def _nuncio_sorted(items, *, key=None, reverse=False):
    items = list(items)
    keys = _nuncio_natural(items) if key is None else [key(item) for item in items]
    if keys is None:
        return sorted(items, reverse=reverse)
    return [items[at] for at in sorted(range(len(items)), key=lambda at: keys[at], reverse=reverse)]
def _nuncio_extreme(native, items, key, default):
    items = list(items[0]) if len(items) == 1 else list(items)
    if not items:
        if default:
            return default['default']
        raise ValueError('min() or max() arg is an empty sequence')
    keys = _nuncio_natural(items) if key is None else [key(item) for item in items]
    if keys is None:
        return native(items)
    return items[native(range(len(items)), key=lambda at: keys[at])]
def _nuncio_min(*items, key=None, **default):
    return _nuncio_extreme(min, items, key, default)
def _nuncio_max(*items, key=None, **default):
    return _nuncio_extreme(max, items, key, default)
_nuncio_eager_zip = zip
_nuncio_eager_enumerate = enumerate
_nuncio_eager_reversed = reversed
class generator:
    def __init__(self, step, items):
        self._step = step
        self._items = iter(items)
        self._more = None
    def __iter__(self):
        return self
    def __next__(self):
        if self._items is None:
            raise StopIteration
        while True:
            for item in self._step(next(self._items)):
                return item
_nuncio_generator = generator
def _nuncio_chained(step, items):
    inner = [iter(())]
    outer = _nuncio_generator(step, items)
    def advance(_):
        while True:
            for item in inner[0]:
                return [item]
            inner[0] = iter(next(outer))
    return _nuncio_generator(advance, iter(int, 1))
class map:
    def __init__(self, function, *iterables):
        if not iterables:
            raise TypeError('map() must have at least two arguments.')
        self._function = function
        self._iterators = [iter(one) for one in iterables]
    def __iter__(self):
        return self
    def __next__(self):
        return self._function(*[next(one) for one in self._iterators])
class filter:
    def __init__(self, function, iterable):
        self._function = function
        self._iterator = iter(iterable)
    def __iter__(self):
        return self
    def __next__(self):
        while True:
            item = next(self._iterator)
            if item if self._function is None else self._function(item):
                return item
class zip:
    def __init__(self, *iterables, strict=False):
        self._iterators = [iter(one) for one in iterables]
        self._strict = strict
    def __iter__(self):
        return self
    def __next__(self):
        if not self._iterators:
            raise StopIteration
        items = []
        for one in self._iterators:
            try:
                items.append(next(one))
            except StopIteration:
                if self._strict and items:
                    raise ValueError(f'zip() argument {len(items) + 1} is shorter than argument 1')
                if self._strict:
                    for at, other in _nuncio_eager_enumerate(self._iterators):
                        if at and next(other, self) is not self:
                            raise ValueError(f'zip() argument {at + 1} is longer than argument 1')
                raise StopIteration
        return tuple(items)
class enumerate:
    def __init__(self, iterable, start=0):
        self._iterator = iter(iterable)
        self._next = start
    def __iter__(self):
        return self
    def __next__(self):
        item = next(self._iterator)
        at = self._next
        self._next = at + 1
        return (at, item)
class _nuncio_reversed:
    def __init__(self, items):
        self._items = items
        self._at = len(items) - 1
    def __iter__(self):
        return self
    def __next__(self):
        at = self._at
        if at < 0 or at >= len(self._items):
            self._at = -1
            raise StopIteration
        self._at = at - 1
        return self._items[at]
def reversed(items):
    if isinstance(items, (list, tuple, str, bytes, range)):
        return _nuncio_reversed(items)
    return _nuncio_reversed(_nuncio_eager_reversed(items))
