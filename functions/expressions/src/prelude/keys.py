def _nuncio_key(of, key):
    if isinstance(key, str) or not isinstance(of, dict) or key not in of:
        return key
    if isinstance(key, tuple) and all([isinstance(part, str) for part in key]):
        return key
    keys = list(of)
    return keys[keys.index(key)]
def _nuncio_dict(first, *parts):
    for part in parts:
        _nuncio_merge(first, part)
    return first
def _nuncio_merge(of, other):
    for key in other:
        of[key if isinstance(key, str) else _nuncio_key(of, key)] = other[key]
def _nuncio_pairs(pairs):
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    made.clear()
    for key, value in pairs:
        made[_nuncio_key(made, key)] = value
    return made
def _nuncio_dict_of(items, **named):
    if isinstance(items, dict):
        return dict(items, **named) if named else dict(items)
    made = _nuncio_pairs(list(items))
    made.update(named)
    return made
def _nuncio_same(items, seen=None):
    if isinstance(items, dict):
        return items
    items = list(items)
    if all([isinstance(item, str) for item in items]):
        return items
    seen = {key: key for key in seen or ()}
    return [seen.setdefault(item, item) for item in items]
def _nuncio_call_fromkeys(of, items, value=None):
    return of.fromkeys(_nuncio_same(items), value)
def _nuncio_call_Counter(of, *args, **named):
    return of.Counter(_nuncio_same(args[0]), *args[1:], **named) if args else of.Counter(**named)
def _nuncio_call_defaultdict(of, *args, **named):
    return of.defaultdict(args[0], _nuncio_dict_of(args[1]), **named) if len(args) == 2 else of.defaultdict(*args, **named)
def _nuncio_is_lazy(items):
    return type(items).__name__ in ('generator', 'map', 'filter', 'zip', 'enumerate', '_nuncio_reversed')
def _nuncio_call_extend(of, items):
    if type(of).__name__ not in ('list', 'deque') or not _nuncio_is_lazy(items):
        return of.extend(items)
    for item in items:
        of.append(item)
def _nuncio_call_update(of, *args, **named):
    kind = type(of).__name__
    if len(args) != 1 or kind not in ('dict', 'defaultdict', 'Counter', 'set'):
        return of.update(*args, **named) if named else of.update(*args)
    items = args[0]
    if kind == 'Counter':
        return of.update([] if items is None else _nuncio_same(items, of), **named)
    if not isinstance(items, dict) and _nuncio_is_lazy(items):
        for item in items:
            if kind == 'set':
                of.add(item)
            else:
                key, value = item
                of[_nuncio_key(of, key)] = value
    elif kind == 'set':
        of.update(items)
    elif isinstance(items, dict):
        _nuncio_merge(of, items)
    else:
        for key, value in items:
            of[_nuncio_key(of, key)] = value
    if named:
        of.update(named)
